using ModelBuildTasks.Evaluation.Metrics;

namespace ModelBuildTasks.Evaluation.Statistics;

/// <summary>
/// Percentile intervals of two scores over the same samples and of their difference: each resample draws samples with replacement
/// and scores both models on them (B. Efron, R. Tibshirani, An Introduction to the Bootstrap, chapter 13).
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
            Random random = new(unchecked(settings.Seed * 1_000_003 + resample));
            Array.Clear(weights);
            for (int i = 0; i < samples; i++)
            {
                weights[random.Next(samples)]++;
            }

            firsts[resample] = first(weights);
            seconds[resample] = second(weights);
            differences[resample] = difference(firsts[resample], seconds[resample]);
            return weights;
        }, _ => { });

        int[] once = new int[samples];
        Array.Fill(once, 1);
        (double a, double b) = (first(once), second(once));
        return (Interval(a, firsts), Interval(b, seconds), Interval(difference(a, b), differences));

        Estimate Interval(double value, double[] resampled)
        {
            (double low, double high) = Quantiles.Central(resampled, settings.Confidence);
            return new Estimate(value, Math.Min(low, value), Math.Max(high, value));
        }
    }
}
