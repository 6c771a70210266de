using MathNet.Numerics.Distributions;
using ModelBuildTasks.Evaluation.Metrics;

namespace ModelBuildTasks.Evaluation.Statistics;

/// <summary>
/// Intervals of two scores over the same samples and of their difference: each resample draws samples with replacement and scores both models on them. Corrected for bias and
/// skewness, BCa (B. Efron, R. Tibshirani, An Introduction to the Bootstrap, 1993, chapter 14), and widened as Student's t is over the normal distribution, without
/// which intervals of few samples are too narrow (T. Hesterberg, "What teachers should know about the bootstrap", 2015).
/// </summary>
internal static class PairedBootstrap
{
    /// <summary>Leaving out groups gives the skewness as well as leaving out single samples, at a cost that does not grow with the square of their number.</summary>
    private const int MostGroups = 200;

    /// <param name="samples">Number of samples.</param>
    /// <param name="first">Scores the first model when sample i counts weights[i] times.</param>
    /// <param name="second">The same for the second model.</param>
    /// <param name="difference">From the two scores to what is asked for.</param>
    /// <param name="settings">Resamples, confidence and seed; the result does not depend on the number of threads.</param>
    internal static (Estimate First, Estimate Second, Estimate Difference) Run(
        int samples, Func<int[], double> first, Func<int[], double> second, Func<double, double, double> difference, AccuracySettings settings)
    {
        int[] once = new int[samples];
        Array.Fill(once, 1);
        (double First, double Second) whole = (first(once), second(once));
        (double First, double Second)[] resampled = new (double, double)[settings.Resamples];
        int groups = Math.Min(samples, MostGroups);
        (double First, double Second)[] without = new (double, double)[groups];
        Parallel.For(0, settings.Resamples + groups, new ParallelOptions { MaxDegreeOfParallelism = settings.Threads }, () => new int[samples], (i, _, weights) =>
        {
            if (i < settings.Resamples)
            {
                // A generator for each resample, so that the order in which threads take them does not matter.
                new SplitMix(unchecked((ulong)settings.Seed * 1_000_003 + (ulong)i)).Draw(weights);
                resampled[i] = (first(weights), second(weights));
                return weights;
            }

            int group = i - settings.Resamples;
            for (int sample = 0; sample < samples; sample++)
            {
                weights[sample] = sample % groups == group ? 0 : 1;
            }

            without[group] = samples == groups && samples == 1 ? whole : (first(weights), second(weights));
            return weights;
        }, _ => { });

        return (Interval(scores => scores.First), Interval(scores => scores.Second), Interval(scores => difference(scores.First, scores.Second)));

        Estimate Interval(Func<(double First, double Second), double> of)
        {
            double value = of(whole);
            (double low, double high) = Bounds(value, Array.ConvertAll(resampled, scores => of(scores)), Array.ConvertAll(without, scores => of(scores)), samples, settings.Confidence);
            return new Estimate(value, Math.Min(low, value), Math.Max(high, value));
        }
    }

    private static (double Low, double High) Bounds(double value, double[] resampled, double[] without, int samples, double confidence)
    {
        Array.Sort(resampled);
        double below = resampled.Count(score => score < value) + resampled.Count(score => score == value) / 2.0;
        double bias = Normal.InvCDF(0, 1, below / resampled.Length);
        double acceleration = Acceleration(without);
        // Where all resamples lie on one side, or are not finite, there is nothing to correct by.
        (double shift, double skew) = double.IsFinite(bias) && double.IsFinite(acceleration) ? (bias, acceleration) : (0, 0);
        double z = samples < 2 ? Normal.InvCDF(0, 1, (1 + confidence) / 2) : Math.Sqrt(samples / (samples - 1.0)) * StudentT.InvCDF(0, 1, samples - 1, (1 + confidence) / 2);
        return (Quantiles.At(resampled, Place(-z)), Quantiles.At(resampled, Place(z)));

        double Place(double standard) => Normal.CDF(0, 1, shift + (shift + standard) / (1 - skew * (shift + standard)));
    }

    /// <summary>A sixth of the skewness of the samples' influence, by the jackknife.</summary>
    private static double Acceleration(double[] without)
    {
        double mean = without.Average();
        double squares = without.Sum(score => (mean - score) * (mean - score));
        double cubes = without.Sum(score => (mean - score) * (mean - score) * (mean - score));
        return squares == 0 ? 0 : cubes / (6 * Math.Pow(squares, 1.5));
    }
}
