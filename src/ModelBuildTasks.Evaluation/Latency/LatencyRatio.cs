using MathNet.Numerics.Statistics;

namespace ModelBuildTasks.Evaluation.Latency;

/// <summary>Paired timings of two models, reduced to medians and the ratio of medians with its bootstrap interval.</summary>
/// <param name="OriginalMilliseconds">Median time of one run of the original.</param>
/// <param name="OptimizedMilliseconds">Median time of one run of the optimized model.</param>
/// <param name="Ratio">Median of the optimized model over the median of the original; below 1 is faster.</param>
/// <param name="Low">Lower end of the ratio's 95 % interval.</param>
/// <param name="High">Upper end of the ratio's 95 % interval.</param>
/// <param name="Pairs">Number of timed pairs.</param>
public sealed record LatencyRatio(double OriginalMilliseconds, double OptimizedMilliseconds, double Ratio, double Low, double High, int Pairs)
{
    /// <summary>Resamples of the bootstrap; the ends of a 95 % interval are then each the 25th of 1000 values.</summary>
    private const int Resamples = 1000;

    /// <summary>
    /// Percentile bootstrap over pairs: a pair is timed within milliseconds, so what disturbs the machine disturbs both, and
    /// resampling pairs keeps that.
    /// </summary>
    /// <param name="original">Milliseconds a run.</param>
    /// <param name="optimized">Milliseconds a run, at the same index as its partner.</param>
    /// <param name="seed">Seed of the resampling.</param>
    /// <exception cref="ArgumentException">The lists differ in length or are empty.</exception>
    public static LatencyRatio Of(IReadOnlyList<double> original, IReadOnlyList<double> optimized, int seed = 0)
    {
        if (original.Count == 0 || original.Count != optimized.Count)
        {
            throw new ArgumentException($"{original.Count} and {optimized.Count} timings are not pairs.", nameof(optimized));
        }

        Random random = new(seed);
        double[] first = new double[original.Count];
        double[] second = new double[original.Count];
        double[] ratios = new double[Resamples];
        for (int resample = 0; resample < Resamples; resample++)
        {
            for (int i = 0; i < first.Length; i++)
            {
                int drawn = random.Next(first.Length);
                first[i] = original[drawn];
                second[i] = optimized[drawn];
            }

            ratios[resample] = ArrayStatistics.MedianInplace(second) / ArrayStatistics.MedianInplace(first);
        }

        double originalMedian = original.Median();
        double optimizedMedian = optimized.Median();
        return new LatencyRatio(
            originalMedian,
            optimizedMedian,
            optimizedMedian / originalMedian,
            ArrayStatistics.QuantileInplace(ratios, 0.025),
            ArrayStatistics.QuantileInplace(ratios, 0.975),
            original.Count);
    }
}
