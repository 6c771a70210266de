namespace ModelBuildTasks.Optimization.Quantization.Calibration;

/// <summary>Covers every value that was seen. It keeps two numbers, so that memory does not grow with the samples.</summary>
internal sealed class MinMaxObserver : IRangeObserver
{
    private readonly Lock gate = new();
    private ValueRange? seen;

    public ValueRange Seen => seen ?? default;

    public ValueRange Range => Seen;

    public void Observe(ReadOnlySpan<float> values)
    {
        if (!values.IsEmpty)
        {
            Include(ValueRange.Of(values));
        }
    }

    internal void Include(ValueRange range)
    {
        lock (gate)
        {
            seen = seen?.Including(range) ?? range;
        }
    }
}
