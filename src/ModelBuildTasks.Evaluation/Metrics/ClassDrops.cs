using MathNet.Numerics.Distributions;
using ModelBuildTasks.Evaluation.Statistics;

namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>
/// The loss of each class. Intervals are adjusted Wald intervals for paired proportions, sound for few samples (D. G. Bonett, R. M. Price, "Adjusted
/// Wald confidence interval for a difference of binomial proportions based on paired data", 2012), widened so that all classes hold at once (Bonferroni):
/// the worst of many classes looks bad by chance alone.
/// </summary>
internal static class ClassDrops
{
    /// <param name="answers">Label, the original's class and the optimized model's class of each sample.</param>
    /// <param name="confidence">Chance that all intervals hold.</param>
    internal static IReadOnlyList<ClassDrop> Of(IEnumerable<(int Label, int Original, int Optimized)> answers, double confidence)
    {
        Dictionary<int, (int Samples, int Lost, int Won)> counts = [];
        foreach ((int label, int original, int optimized) in answers)
        {
            (int samples, int lost, int won) = counts.GetValueOrDefault(label);
            counts[label] = (samples + 1,
                lost + (original == label && optimized != label ? 1 : 0),
                won + (original != label && optimized == label ? 1 : 0));
        }

        double z = counts.Count == 0 ? 0 : Normal.InvCDF(0, 1, 1 - (1 - confidence) / (2 * counts.Count));
        return [.. counts.Select(entry => new ClassDrop(entry.Key, entry.Value.Samples, Interval(entry.Value.Samples, entry.Value.Lost, entry.Value.Won, z)))
            .OrderByDescending(drop => drop.Drop.Value).ThenByDescending(drop => drop.Drop.Low).ThenBy(drop => drop.Class)];
    }

    private static Estimate Interval(int samples, int lost, int won, double z)
    {
        double lostShare = (lost + 1) / (samples + 2.0);
        double wonShare = (won + 1) / (samples + 2.0);
        double centre = lostShare - wonShare;
        double width = z * Math.Sqrt((lostShare + wonShare - centre * centre) / (samples + 2));
        double value = (lost - won) / (double)samples;
        return new Estimate(value, Math.Max(-1, Math.Min(value, centre - width)), Math.Min(1, Math.Max(value, centre + width)));
    }
}
