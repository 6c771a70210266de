using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;

namespace ModelBuildTasks.Evaluation.DataChecks;

/// <summary>
/// Holds new samples against the distributions at calibration. The elements of one sample resemble each other, so that chance is told by how the shares of bins differ between samples,
/// and not by the number of elements.
/// </summary>
public sealed class DriftMeasurement
{
    /// <summary>An empty bin, which would make the index infinite, counts as if it held half a sample, or this where there are very many.</summary>
    private const double LeastShare = 1e-4;
    private readonly (int Input, InputChannels Channels, int Channel, InputDistribution Then, Bin[] Bins, ChannelSketch Sketch)[] channels;
    private int samples;

    /// <param name="inputs">The model's inputs.</param>
    /// <param name="calibration">What was kept at calibration.</param>
    /// <exception cref="ArgumentException">The distributions are not those of these inputs.</exception>
    public DriftMeasurement(IReadOnlyList<TensorSignature> inputs, IReadOnlyList<InputDistribution> calibration)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(calibration);
        channels = [.. calibration.Select(then =>
        {
            int input = Enumerable.Range(0, inputs.Count).FirstOrDefault(i => inputs[i].Name == then.Input, -1);
            InputChannels own = input < 0 ? default : InputChannels.Of(inputs[input]);
            bool fits = input >= 0 && (then.Channel ?? 0) >= 0 && (then.Channel ?? 0) < own.Count && (then.Channel is null) == (own.Count == 1) && then.Shares.Count == then.Edges.Count + 1;
            return fits
                ? (input, own, then.Channel ?? 0, then with { IsColumn = own.AreColumns }, new Bin[then.Shares.Count], new ChannelSketch(0))
                : throw new ArgumentException($"The distribution of {then} at calibration does not fit the model.", nameof(calibration));
        })];
    }

    /// <summary>Takes a new sample.</summary>
    public void Add(Sample sample)
    {
        ArgumentNullException.ThrowIfNull(sample);
        foreach ((int input, InputChannels places, int channel, InputDistribution then, Bin[] bins, ChannelSketch sketch) in channels)
        {
            ReadOnlySpan<float> values = places.Elements(sample.Inputs[input]);
            float[] gathered = places.Gather(values, channel, samples);
            sketch.Add(gathered);
            int[] counts = new int[bins.Length];
            foreach (float value in gathered)
            {
                counts[ChannelSketch.BinOf(then.Edges, value)]++;
            }

            for (int bin = 0; bin < bins.Length; bin++)
            {
                double share = gathered.Length == 0 ? 0 : (double)counts[bin] / gathered.Length;
                bins[bin] = new Bin(bins[bin].Sum + share, bins[bin].Squares + share * share);
            }
        }

        samples++;
    }

    /// <summary>The drift of every channel, the largest first.</summary>
    public IReadOnlyList<InputDrift> Measure() => [.. channels.Select(channel => Of(channel.Then, channel.Bins, channel.Sketch)).OrderByDescending(drift => drift.Value)];

    private InputDrift Of(InputDistribution then, Bin[] bins, ChannelSketch sketch)
    {
        double index = 0;
        double between = 0;
        double within = 0;
        int occupied = 0;
        for (int bin = 0; bin < bins.Length; bin++)
        {
            double now = bins[bin].Sum / Math.Max(1, samples);
            double before = Math.Max(Least(then.Samples), then.Shares[bin]);
            double after = Math.Max(Least(samples), now);
            index += (after - before) * Math.Log(after / before);
            occupied += then.Shares[bin] + now > 0 ? 1 : 0;
            between += (bins[bin].Squares - bins[bin].Sum * now) / Math.Max(1, samples - 1);
            within += now * (1 - now);
        }

        // Of one number a sample, B bins give (B − 1) (1/n + 1/m) by chance (B. Yurdakul, "Statistical Properties of Population Stability Index", 2018). Samples of many numbers give that times
        // the design effect (L. Kish, "Survey Sampling", 1965): the variance of shares between samples over that of single numbers.
        double designEffect = within > 0 ? Math.Clamp(between / within, 0, 1) : 1;
        double expected = designEffect * (occupied - 1) * (1.0 / Math.Max(1, samples) + 1.0 / Math.Max(1, then.Samples));
        InputDistribution found = sketch.Describe(then.Input, then.Channel, samples);
        return new InputDrift(then, samples, found.Mean, found.Deviation, (bins[0].Sum + bins[^1].Sum) / Math.Max(1, samples), index, expected);
    }

    private static double Least(int samples) => Math.Max(LeastShare, 0.5 / Math.Max(1, samples));

    /// <summary>Sums over samples of a bin's share and of its square.</summary>
    private readonly record struct Bin(double Sum, double Squares);
}
