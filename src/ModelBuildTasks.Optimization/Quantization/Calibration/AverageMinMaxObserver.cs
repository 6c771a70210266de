namespace ModelBuildTasks.Optimization.Quantization.Calibration;

/// <summary>
/// Covers the mean over samples of the smallest and of the largest value: one odd sample counts no more than another. An exponential moving average does the
/// same with late samples counting more, which makes it depend on their order.
/// </summary>
/// <remarks>Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018, section 3.1; equal weights as in ONNX Runtime's calibrate.py (CalibMovingAverage).</remarks>
internal sealed class AverageMinMaxObserver : IRangeObserver
{
    private readonly MinMaxObserver extremes = new();
    private readonly Lock gate = new();
    private OrderFreeSum lowest;
    private OrderFreeSum highest;
    private int samples;

    public ValueRange Seen => extremes.Seen;

    public ValueRange Range => samples > 0 && double.IsFinite(lowest.Total) && double.IsFinite(highest.Total)
        ? new ValueRange((float)(lowest.Total / samples), (float)(highest.Total / samples))
        : Seen;

    public void Observe(ReadOnlySpan<float> values)
    {
        if (values.IsEmpty)
        {
            return;
        }

        ValueRange range = ValueRange.Of(values);
        extremes.Include(range);
        lock (gate)
        {
            samples++;
            lowest.Add(range.Lowest);
            highest.Add(range.Highest);
        }
    }
}
