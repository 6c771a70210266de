using ModelBuildTasks.Evaluation.Statistics;

namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>Two models' scores and their difference with intervals: of proportions where the score is a share of samples, else by the bootstrap.</summary>
/// <param name="Original">The first model's score.</param>
/// <param name="Optimized">The second model's.</param>
/// <param name="Drop">How much worse the second is.</param>
/// <param name="Resolution">From what size on a drop can be told from none: half the width of the drop's interval, or of Wald's interval where the score is a share of samples.</param>
internal sealed record AccuracyIntervals(Estimate Original, Estimate Optimized, Estimate Drop, double Resolution)
{
    /// <param name="metric">The metric.</param>
    /// <param name="original">What it kept of the first model's answers, a row for each sample.</param>
    /// <param name="optimized">The same of the second model's.</param>
    /// <param name="settings">Resamples, confidence, seed.</param>
    internal static AccuracyIntervals Of(Metric metric, double[][] original, double[][] optimized, AccuracySettings settings)
    {
        int samples = original.Length;
        if (!metric.IsShareOfSamples)
        {
            (Estimate first, Estimate second, Estimate drop) = PairedBootstrap.Run(
                samples, metric.Scorer(original), metric.Scorer(optimized), metric.HigherIsBetter ? static (before, after) => before - after : static (before, after) => after - before, settings);
            return new AccuracyIntervals(first, second, drop, drop.Uncertainty);
        }

        (int lost, int won) = (0, 0);
        for (int i = 0; i < samples; i++)
        {
            lost += original[i][0] > optimized[i][0] ? 1 : 0;
            won += original[i][0] < optimized[i][0] ? 1 : 0;
        }

        int right = original.Count(sample => sample[0] == 1);
        Estimate share = Proportions.Share(right - lost + won, samples, settings.Confidence);
        double resolution = Proportions.Resolution(lost, won, samples, settings.Confidence);
        // The original agrees with itself on any data, so that nothing can be won: the drop is a share itself.
        return metric.IsAgainstOriginal
            ? new AccuracyIntervals(Estimate.Exact(1), share, Proportions.Share(lost, samples, settings.Confidence), resolution)
            : new AccuracyIntervals(Proportions.Share(right, samples, settings.Confidence), share, Proportions.PairedDifference(lost, won, samples, settings.Confidence), resolution);
    }
}
