using MathNet.Numerics.Distributions;
using System.Runtime.InteropServices;
using ModelBuildTasks.Evaluation.Statistics;

namespace ModelBuildTasks.Evaluation.Latency;

/// <summary>
/// Intervals for medians of timings. What disturbs a machine lasts longer than one run, so neighbours resemble each other: blocks of neighbours are resampled,
/// not single ones (H. Künsch, "The jackknife and the bootstrap for general stationary observations", 1989), of length n^(1/3).
/// </summary>
internal static class LatencyStatistics
{
    /// <summary>The median with its interval.</summary>
    /// <param name="values">In the order of measuring.</param>
    /// <param name="settings">Resamples, confidence and seed.</param>
    internal static Estimate Median(IReadOnlyList<double> values, LatencySettings settings)
    {
        double[] source = [.. values];
        int block = Math.Max(1, (int)Math.Cbrt(source.Length));
        Random random = new(settings.Seed);
        double[] medians = new double[settings.Resamples];
        double[] resample = new double[source.Length];
        for (int i = 0; i < medians.Length; i++)
        {
            for (int filled = 0; filled < resample.Length; filled += block)
            {
                // Blocks wrap around, so that the first and last values are drawn as often as the others.
                int start = random.Next(source.Length);
                for (int k = 0; k < block && filled + k < resample.Length; k++)
                {
                    resample[filled + k] = source[(start + k) % source.Length];
                }
            }

            medians[i] = Quantiles.Median(resample);
        }

        (double low, double high) = Quantiles.Central(medians, settings.Confidence);
        double median = Quantiles.Median(source);
        return new Estimate(median, Math.Min(low, median), Math.Max(high, median));
    }

    /// <summary>The median over pairs of second to first, with the wider ends of the bootstrap's interval and the sign test's.</summary>
    internal static Estimate Ratio(List<(double First, double Second)> pairs, LatencySettings settings)
    {
        double[] ratios = new double[pairs.Count];
        ReadOnlySpan<(double First, double Second)> span = CollectionsMarshal.AsSpan(pairs);
        for (int i = 0; i < ratios.Length; i++)
        {
            ratios[i] = span[i].Second / span[i].First;
        }

        Estimate resampled = Median(ratios, settings);
        (double low, double high) = SignInterval(ratios, settings.Confidence);
        return resampled with { Low = Math.Min(low, resampled.Low), High = Math.Max(high, resampled.High) };
    }

    /// <summary>
    /// The interval that the sign test gives for the median: of n values, as many lie below the median as tosses of a coin show heads. The order within each pair is drawn by lot, so that
    /// this holds for ratios of pairs whatever disturbs the machine and however long; few values make the bootstrap's interval too narrow.
    /// </summary>
    /// <returns>The extremes where so few values can't be that sure.</returns>
    internal static (double Low, double High) SignInterval(double[] values, double confidence)
    {
        double[] sorted = [.. values.Order()];
        int outside = 0;
        while (2 * (outside + 1) < sorted.Length && Binomial.CDF(0.5, sorted.Length, outside) <= (1 - confidence) / 2)
        {
            outside++;
        }

        int rank = Math.Max(0, outside - 1);
        return (sorted[rank], sorted[^(rank + 1)]);
    }

    /// <summary>Whether more pairs would not change what is said of the ratio.</summary>
    internal static bool IsSettled(Estimate ratio, LatencySettings settings) =>
        ratio.Uncertainty <= settings.Precision * ratio.Value;
}
