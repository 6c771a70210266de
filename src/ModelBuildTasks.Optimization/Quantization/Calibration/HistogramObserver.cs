namespace ModelBuildTasks.Optimization.Quantization.Calibration;

/// <summary>Finds a range from how often each size of number was seen. Memory is the same for any number of samples.</summary>
internal abstract class HistogramObserver : IRangeObserver
{
    private readonly MinMaxObserver extremes = new();
    private readonly Histogram histogram = new();

    public ValueRange Seen => extremes.Seen;

    public Histogram Numbers => histogram;

    public ValueRange Range => Seen is { Width: > 0, IsFinite: true } seen ? Search(histogram, seen) : Seen;

    public void Observe(ReadOnlySpan<float> values)
    {
        if (values.IsEmpty)
        {
            return;
        }

        ValueRange range = ValueRange.Of(values);
        extremes.Include(range);
        if (range.IsFinite)
        {
            histogram.Add(values, range);
        }
    }

    /// <summary>The range to cover, inside <paramref name="seen"/>, of a tensor that is not the same everywhere.</summary>
    protected abstract ValueRange Search(Histogram histogram, ValueRange seen);
}
