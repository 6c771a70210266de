using MathNet.Numerics.Distributions;
using ModelBuildTasks.Evaluation.Statistics;

namespace ModelBuildTasks.Evaluation.Metrics;

/// <summary>How much a class lost.</summary>
/// <param name="Class">Class index.</param>
/// <param name="Samples">Samples of the class.</param>
/// <param name="Drop">Difference of the shares of right answers; the interval holds for all classes and slices together.</param>
public sealed record ClassDrop(int Class, int Samples, Estimate Drop)
{
    /// <summary>The class's name; null when the data set names none.</summary>
    public string? Name { get; init; }

    public override string ToString() => Name is null ? $"class {Class}" : $"class {Class} ({Name})";
}

/// <summary>How much the samples of a slice lost.</summary>
/// <param name="Slice">The slice, as the data names it.</param>
/// <param name="Samples">Samples of the slice.</param>
/// <param name="Drop">Difference of the shares of right answers; the interval holds for all classes and slices together.</param>
public sealed record SliceDrop(string Slice, int Samples, Estimate Drop)
{
    public override string ToString() => $"slice '{Slice}'";
}

/// <summary>A sample's label and slice, and what the two models make of it.</summary>
internal readonly record struct GroupedAnswer(int Label, string? Slice, int Original, int Optimized);

/// <summary>
/// The loss of each class and of each slice. Intervals are adjusted Wald intervals for paired proportions, sound for few samples (D. G. Bonett, R. M. Price, "Adjusted
/// Wald confidence interval for a difference of binomial proportions based on paired data", 2012), widened so that all groups hold at once (Bonferroni):
/// the worst of many groups looks bad by chance alone.
/// </summary>
internal static class GroupDrops
{
    /// <summary>Slices that are told of for their loss, and as many for what they surely lost; a column that differs for every sample makes a slice of each.</summary>
    private const int MostSlices = 50;

    /// <param name="answers">What both models make of each sample.</param>
    /// <param name="classNames">Names of classes by index, as far as there are any.</param>
    /// <param name="confidence">Chance that all intervals hold.</param>
    /// <returns>Each worst first.</returns>
    internal static (IReadOnlyList<ClassDrop> Classes, IReadOnlyList<SliceDrop> Slices) Of(IReadOnlyCollection<GroupedAnswer> answers, IReadOnlyList<string> classNames, double confidence)
    {
        Dictionary<int, Counts> classes = [];
        Dictionary<string, Counts> slices = [];
        foreach (GroupedAnswer answer in answers)
        {
            classes[answer.Label] = classes.GetValueOrDefault(answer.Label).With(answer);
            if (answer.Slice is { } slice)
            {
                slices[slice] = slices.GetValueOrDefault(slice).With(answer);
            }
        }

        int groups = classes.Count + slices.Count;
        double z = groups == 0 ? 0 : Normal.InvCDF(0, 1, 1 - (1 - confidence) / (2 * groups));
        return (
            [.. classes.Select(entry => new ClassDrop(entry.Key, entry.Value.Samples, entry.Value.Interval(z)) { Name = classNames.ElementAtOrDefault(entry.Key) })
                .OrderByDescending(drop => drop.Drop.Value).ThenByDescending(drop => drop.Drop.Low).ThenBy(drop => drop.Class)],
            Worst([.. slices.Select(entry => new SliceDrop(entry.Key, entry.Value.Samples, entry.Value.Interval(z)))]));
    }

    private static SliceDrop[] Worst(SliceDrop[] slices) =>
    [
        .. slices.OrderByDescending(drop => drop.Drop.Value).Take(MostSlices).Union(slices.OrderByDescending(drop => drop.Drop.Low).Take(MostSlices))
            .OrderByDescending(drop => drop.Drop.Value).ThenByDescending(drop => drop.Drop.Low).ThenBy(drop => drop.Slice, StringComparer.Ordinal),
    ];

    private readonly record struct Counts(int Samples, int Lost, int Won)
    {
        internal Counts With(GroupedAnswer answer) => new(
            Samples + 1,
            Lost + (answer.Original == answer.Label && answer.Optimized != answer.Label ? 1 : 0),
            Won + (answer.Original != answer.Label && answer.Optimized == answer.Label ? 1 : 0));

        internal Estimate Interval(double z)
        {
            double lostShare = (Lost + 1) / (Samples + 2.0);
            double wonShare = (Won + 1) / (Samples + 2.0);
            double centre = lostShare - wonShare;
            double width = z * Math.Sqrt((lostShare + wonShare - centre * centre) / (Samples + 2));
            double value = (Lost - Won) / (double)Samples;
            return new Estimate(value, Math.Max(-1, Math.Min(value, centre - width)), Math.Min(1, Math.Max(value, centre + width)));
        }
    }
}
