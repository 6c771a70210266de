namespace ModelBuildTasks.Optimization.Quantization.Calibration;

/// <summary>Also knows the mean of each channel of tensors [channels, …], the rows of batches.</summary>
internal sealed class ChannelMeanObserver(IRangeObserver range, int channels) : IRangeObserver
{
    private readonly Lock gate = new();
    private readonly OrderFreeSum[] sums = new OrderFreeSum[channels];
    private int samples;

    public ValueRange Seen => range.Seen;

    public ValueRange Range => range.Range;

    public Histogram? Numbers => range.Numbers;

    /// <summary>The mean of each channel over samples and positions; null when none can be told.</summary>
    internal double[]? Means => samples == 0 || sums.Any(sum => double.IsNaN(sum.Total)) ? null : Array.ConvertAll(sums, sum => sum.Total / samples);

    public void Observe(ReadOnlySpan<float> values)
    {
        range.Observe(values);
        int length = values.Length / channels;
        if (length == 0)
        {
            return;
        }

        double[] means = new double[channels];
        for (int channel = 0; channel < channels; channel++)
        {
            means[channel] = StableSum.Of(values.Slice(channel * length, length)) / length;
        }

        lock (gate)
        {
            samples++;
            for (int channel = 0; channel < channels; channel++)
            {
                sums[channel].Add(means[channel]);
            }
        }
    }
}
