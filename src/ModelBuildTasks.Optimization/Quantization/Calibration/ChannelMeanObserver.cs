using System.Numerics.Tensors;

namespace ModelBuildTasks.Optimization.Quantization.Calibration;

/// <summary>
/// Also knows the mean of each channel of a tensor [1, channels, …]. Sums are kept in fixed point: adding integers gives the same total in
/// whatever order threads bring the samples.
/// </summary>
internal sealed class ChannelMeanObserver(IRangeObserver range, int channels) : IRangeObserver
{
    /// <summary>A mean is kept to 2^-64 of a unit, and up to 2^63 of it over all samples.</summary>
    private const double Unit = 1.0 / (1UL << 63) / 2;

    /// <summary>Larger means would overflow the sum; such tensors are left without a mean.</summary>
    private const double LargestMean = 1e12;

    private readonly Lock gate = new();
    private readonly Int128[] sums = new Int128[channels];
    private int samples;
    private bool overflowed;

    public ValueRange Range => range.Range;

    /// <summary>The mean of each channel over samples and positions; null when none can be told.</summary>
    internal double[]? Means => samples == 0 || overflowed ? null : Array.ConvertAll(sums, sum => (double)sum * Unit / samples);

    public void Observe(ReadOnlySpan<float> values)
    {
        range.Observe(values);
        int length = values.Length / channels;
        if (length == 0)
        {
            return;
        }

        Int128[] means = new Int128[channels];
        bool tooLarge = false;
        for (int channel = 0; channel < channels; channel++)
        {
            double mean = TensorPrimitives.Sum(values.Slice(channel * length, length)) / (double)length;
            tooLarge |= !(Math.Abs(mean) < LargestMean);
            means[channel] = tooLarge ? 0 : (Int128)(mean / Unit);
        }

        lock (gate)
        {
            overflowed |= tooLarge;
            samples++;
            for (int channel = 0; channel < channels; channel++)
            {
                sums[channel] += means[channel];
            }
        }
    }
}
