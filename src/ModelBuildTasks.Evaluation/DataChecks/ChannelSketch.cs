using System.Numerics.Tensors;

namespace ModelBuildTasks.Evaluation.DataChecks;

/// <summary>Moments and extremes of a stream of numbers, and an even sample of it (J. Vitter, "Random sampling with a reservoir", 1985, algorithm R). Numbers that are not finite are passed over.</summary>
internal sealed class ChannelSketch(int seed)
{
    /// <summary>Deciles of so many numbers are known to 0.3 points.</summary>
    private const int Kept = 8192;
    private const int MostBins = 10;

    /// <summary>Samples a bin: with fewer, chance fills and empties bins.</summary>
    private const int SamplesABin = 10;
    private readonly Random random = new(seed);
    private readonly List<float> kept = [];
    private long offered;
    private long count;
    private double mean;
    private double squares;
    private float lowest = float.PositiveInfinity;
    private float highest = float.NegativeInfinity;

    /// <summary>Takes every <paramref name="step"/>-th number for moments and extremes.</summary>
    internal void Measure(ReadOnlySpan<float> values, int start, int step, int length)
    {
        if (step == 1 && length > 0 && MeasureAtOnce(values.Slice(start, length)))
        {
            return;
        }

        for (int i = 0, place = start; i < length; i++, place += step)
        {
            float value = values[place];
            if (float.IsFinite(value))
            {
                Include(1, value, 0, value, value);
            }
        }
    }

    private bool MeasureAtOnce(ReadOnlySpan<float> values)
    {
        float average = TensorPrimitives.Average(values);
        if (!float.IsFinite(average))
        {
            return false;
        }

        float deviation = TensorPrimitives.StdDev(values);
        Include(values.Length, average, (double)deviation * deviation * values.Length, TensorPrimitives.Min(values), TensorPrimitives.Max(values));
        return true;
    }

    /// <summary>Joins the moments of more numbers (T. Chan, G. Golub, R. LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979).</summary>
    private void Include(int more, double average, double squaresAround, float least, float most)
    {
        double difference = average - mean;
        count += more;
        mean += difference * more / count;
        squares += squaresAround + difference * difference * more * (count - more) / count;
        lowest = Math.Min(lowest, least);
        highest = Math.Max(highest, most);
    }

    /// <summary>Takes numbers for the deciles.</summary>
    internal void Offer(ReadOnlySpan<float> values)
    {
        foreach (float value in values)
        {
            if (!float.IsFinite(value))
            {
                continue;
            }

            offered++;
            if (kept.Count < Kept)
            {
                kept.Add(value);
            }
            else if (random.NextInt64(offered) is var place && place < Kept)
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
            Mean = mean,
            Deviation = count == 0 ? 0 : Math.Sqrt(squares / count),
            Lowest = count == 0 ? 0 : lowest,
            Highest = count == 0 ? 0 : highest,
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
