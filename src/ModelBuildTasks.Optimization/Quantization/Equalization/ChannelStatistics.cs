using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Quantization.Equalization;

/// <summary>What the channels of one value are over the samples: [channels, …], the rows of batches.</summary>
internal sealed class ChannelStatistics(int channels) : IRangeObserver
{
    private readonly MinMaxObserver extremes = new();
    private readonly Lock gate = new();
    private readonly OrderFreeSum[] powers = new OrderFreeSum[channels];
    private readonly float[] lowest = new float[channels];
    private readonly float[] highest = new float[channels];
    private int samples;

    public ValueRange Seen => extremes.Seen;

    public ValueRange Range => extremes.Range;

    /// <summary>What was seen; zeros when nothing was.</summary>
    internal ChannelRanges Ranges => new(lowest, highest, samples == 0 ? new double[channels] : Array.ConvertAll(powers, power => power.Total / samples));

    public void Observe(ReadOnlySpan<float> values)
    {
        int length = values.Length / channels;
        if (length == 0)
        {
            return;
        }

        extremes.Observe(values);
        ValueRange[] ranges = new ValueRange[channels];
        double[] means = new double[channels];
        for (int channel = 0; channel < channels; channel++)
        {
            ReadOnlySpan<float> part = values.Slice(channel * length, length);
            ranges[channel] = ValueRange.Of(part);
            means[channel] = StableSum.OfSquares(part) / length;
        }

        lock (gate)
        {
            for (int channel = 0; channel < channels; channel++)
            {
                ValueRange range = samples == 0 ? ranges[channel] : ranges[channel].Including(new ValueRange(lowest[channel], highest[channel]));
                (lowest[channel], highest[channel]) = (range.Lowest, range.Highest);
                powers[channel].Add(means[channel]);
            }

            samples++;
        }
    }
}
