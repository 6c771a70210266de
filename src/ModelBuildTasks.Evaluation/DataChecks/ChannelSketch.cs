using System.Numerics.Tensors;
using MathNet.Numerics.Statistics;

namespace ModelBuildTasks.Evaluation.DataChecks;

/// <summary>Moments and extremes of numbers, and an even sample of them (J. Vitter, "Random sampling with a reservoir", 1985, algorithm R). Numbers that are not finite are passed over.</summary>
internal sealed class ChannelSketch(int seed)
{
    /// <summary>Deciles of so many numbers are known to 0.3 points.</summary>
    private const int Kept = 8192;
    private const int MostBins = 10;

    /// <summary>Samples a bin: with fewer, chance fills and empties bins.</summary>
    private const int SamplesABin = 10;
    private readonly Random random = new(seed);
    private readonly List<float> kept = [];
    private readonly RunningStatistics moments = new();
    private float lowest = float.PositiveInfinity;
    private float highest = float.NegativeInfinity;

    /// <summary>Takes all numbers, <paramref name="step"/> apart, for the extremes.</summary>
    internal void Widen(ReadOnlySpan<float> values, int start, int step, int length)
    {
        ReadOnlySpan<float> block = step == 1 ? values.Slice(start, length) : [];
        if (block.Length > 0 && TensorPrimitives.Min(block) is var least && TensorPrimitives.Max(block) is var most && float.IsFinite(least) && float.IsFinite(most))
        {
            lowest = Math.Min(lowest, least);
            highest = Math.Max(highest, most);
            return;
        }

        for (int i = 0, place = start; i < length; i++, place += step)
        {
            if (float.IsFinite(values[place]))
            {
                lowest = Math.Min(lowest, values[place]);
                highest = Math.Max(highest, values[place]);
            }
        }
    }

    /// <summary>Takes numbers for the moments and the deciles.</summary>
    internal void Add(ReadOnlySpan<float> values)
    {
        foreach (float value in values)
        {
            if (!float.IsFinite(value))
            {
                continue;
            }

            moments.Push(value);
            if (kept.Count < Kept)
            {
                kept.Add(value);
            }
            else if (random.NextInt64(moments.Count) is var place && place < Kept)
            {
                kept[(int)place] = value;
            }
        }
    }

    internal InputDistribution Describe(string input, int? channel, int samples)
    {
        float[] sorted = [.. kept.Order()];
        int bins = Math.Clamp(samples / SamplesABin, 2, MostBins);
        double[] edges = sorted.Length == 0 ? [] :
        [
            Math.BitDecrement((double)lowest),
            .. Enumerable.Range(1, bins - 1).Select(bin => (double)sorted[bin * (sorted.Length - 1) / bins]).Where(edge => edge < highest).Distinct(),
            highest,
        ];
        int[] counts = new int[edges.Length + 1];
        foreach (float value in sorted)
        {
            counts[BinOf(edges, value)]++;
        }

        return new InputDistribution
        {
            Input = input,
            Channel = channel,
            Samples = samples,
            Mean = moments.Count == 0 ? 0 : moments.Mean,
            Deviation = moments.Count == 0 ? 0 : moments.PopulationStandardDeviation,
            Lowest = moments.Count == 0 ? 0 : lowest,
            Highest = moments.Count == 0 ? 0 : highest,
            Edges = edges,
            Shares = Array.ConvertAll(counts, bin => sorted.Length == 0 ? 0 : (double)bin / sorted.Length),
        };
    }

    /// <summary>The first bin whose upper bound is not below the number; that of NaN is the last.</summary>
    internal static int BinOf(IReadOnlyList<double> edges, float value)
    {
        int bin = 0;
        while (bin < edges.Count && !(value <= edges[bin]))
        {
            bin++;
        }

        return bin;
    }
}
