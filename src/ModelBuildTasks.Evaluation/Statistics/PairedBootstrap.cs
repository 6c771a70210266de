using MathNet.Numerics.Distributions;
using MathNet.Numerics.Statistics;
using ModelBuildTasks.Evaluation.Metrics;

namespace ModelBuildTasks.Evaluation.Statistics;

/// <summary>
/// Intervals of two scores over the same samples and of their difference: each resample draws samples with replacement and scores both models on them. Scores have
/// percentile intervals, which never leave the range of a score. A difference has Student's, value ± t·s with the standard error s of the resamples (B. Efron,
/// R. Tibshirani, An Introduction to the Bootstrap, 1993, 12.4): it holds the truth more often than percentiles, corrected for bias and skewness or not, and than the bootstrap-t,
/// where few samples have most of the difference (docs/BENCHMARKS.md, "Accuracy intervals").
/// </summary>
internal static class PairedBootstrap
{
    /// <param name="samples">Number of samples.</param>
    /// <param name="first">Scores the first model when sample i counts weights[i] times.</param>
    /// <param name="second">The same for the second model.</param>
    /// <param name="difference">From the two scores to what is asked for.</param>
    /// <param name="settings">Resamples, confidence and seed; the result does not depend on the number of threads.</param>
    internal static (Estimate First, Estimate Second, Estimate Difference) Run(
        int samples, Func<int[], double> first, Func<int[], double> second, Func<double, double, double> difference, AccuracySettings settings)
    {
        double[] firsts = new double[settings.Resamples];
        double[] seconds = new double[settings.Resamples];
        double[] differences = new double[settings.Resamples];
        Parallel.For(0, settings.Resamples, new ParallelOptions { MaxDegreeOfParallelism = settings.Threads }, () => new int[samples], (resample, _, weights) =>
        {
            // A generator for each resample, so that the order in which threads take them does not matter.
            new SplitMix(unchecked((ulong)settings.Seed * 1_000_003 + (ulong)resample)).Draw(weights);
            firsts[resample] = first(weights);
            seconds[resample] = second(weights);
            differences[resample] = difference(firsts[resample], seconds[resample]);
            return weights;
        }, _ => { });

        int[] once = new int[samples];
        Array.Fill(once, 1);
        (double a, double b) = (first(once), second(once));
        double quantile = StudentT.InvCDF(0, 1, Math.Max(1, samples - 1), (1 + settings.Confidence) / 2);
        // Resamples vary by n − 1 of n of what data sets do.
        double widening = Math.Sqrt(samples / Math.Max(1.0, samples - 1)) * quantile;
        return (Percentile(a, firsts), Percentile(b, seconds), Student(difference(a, b), differences));

        Estimate Percentile(double value, double[] resampled)
        {
            // Widened as Student's t is over the normal distribution, for the same reason (T. Hesterberg, "What teachers should know about the bootstrap", 2015).
            (double low, double high) = Quantiles.Central(resampled, 2 * Normal.CDF(0, 1, widening) - 1);
            return new Estimate(value, Math.Min(low, value), Math.Max(high, value));
        }

        Estimate Student(double value, double[] resampled)
        {
            double width = widening * ArrayStatistics.PopulationStandardDeviation(resampled);
            return double.IsFinite(width) ? new Estimate(value, value - width, value + width) : Percentile(value, resampled);
        }
    }
}
