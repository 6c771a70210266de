using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Contracts.Searching;

namespace ModelBuildTasks.Contracts.Locking;

/// <summary>Compares what a build made with what the lock file says, as clauses for messages; docs/LOCK.md has the rules for users.</summary>
public static class LockComparison
{
    /// <summary>An artifact may be larger by this share: other versions of ONNX Runtime fold a little otherwise.</summary>
    public const double SizeTolerance = 0.01;

    /// <summary>
    /// Share by which the latency ratio's interval must lie above the locked one. An interval knows the noise of its own run only: those of eleven runs of
    /// the sample's artifact, on two cores with a load of 10 to 14, lay up to 8 % apart.
    /// </summary>
    public const double LatencyMargin = 0.10;

    /// <summary>A model that differed on none of n samples may still differ on 3/n of all, with 95 % (the rule of three: Hanley and Lippman-Hand, 1983).</summary>
    private const double RuleOfThree = 3;

    /// <summary>What got worse, in words with numbers; nothing where the two can't be told apart.</summary>
    public static IEnumerable<string> Regressions(LockEntry locked, LockEntry current)
    {
        if (locked.ShippedSize > 0 && current.ShippedSize > locked.ShippedSize * (1 + SizeTolerance))
        {
            yield return Invariant($"{current.ShippedSize:N0} bytes ship, {locked.ShippedSize:N0} are locked (× {(double)current.ShippedSize / locked.ShippedSize:0.###}, × {1 + SizeTolerance:0.##} is tolerated)");
        }

        if (locked.Drop is { } before && current.Drop is { } now && before.Metric == now.Metric && now.Low > HighestDrop(before))
        {
            yield return Invariant($"the {now.Metric} drop against the original is {now.Value:0.####} [{now.Low:0.####}, {now.High:0.####}] on {now.Samples:N0} samples, {before.Value:0.####} [{before.Low:0.####}, {before.High:0.####}] on {before.Samples:N0} is locked");
        }

        if (locked.Latency is { } then && current.Latency is { } measured && IsSameMachine(then, measured) && measured.Low > then.High * (1 + LatencyMargin))
        {
            yield return Invariant($"the latency ratio to the original is {measured.Value:0.###} [{measured.Low:0.###}, {measured.High:0.###}], {then.Value:0.###} [{then.Low:0.###}, {then.High:0.###}] is locked on this processor");
        }
    }

    /// <summary>In what the lock is out of date: what was found, what was expected.</summary>
    public static IEnumerable<string> Differences(LockEntry locked, LockEntry current)
    {
        if (locked.Source != current.Source)
        {
            yield return $"the source model has SHA-256 {current.Source}, {locked.Source} is locked";
        }

        foreach (var name in locked.Settings.Keys.Union(current.Settings.Keys).OrderBy(name => name, StringComparer.Ordinal))
        {
            var (before, now) = (Text(locked.Settings, name), Text(current.Settings, name));
            if (before != now)
            {
                yield return $"{name} is {now}; in the lock file it is {before}";
            }
        }

        if (!IsSameRequest(locked, current))
        {
            yield break;
        }

        if (locked.Artifact != current.Artifact && PromisesBytes(locked, current))
        {
            yield return $"the same model and settings gave the artifact {current.Artifact}, {locked.Artifact} is locked ({PlanChange(locked, current)})";
        }
        else if (locked.Recipe is null && current.Recipe is not null)
        {
            yield return "it has no recipe to make the artifact again by, as an update writes it";
        }
        else if (!PinnedRecipe.AreSame(locked.Recipe, current.Recipe))
        {
            yield return $"the same model and settings were made by another recipe than is locked ({PlanChange(locked, current)})";
        }
    }

    /// <summary>
    /// Whether an update has nothing to say: the same recipe and artifact, or what another processor makes of the same request by that recipe, and a
    /// latency that can't be told from the locked one. So an update changes the lines that it was run for, on any machine.
    /// </summary>
    public static bool IsSame(LockEntry locked, LockEntry current) =>
        IsSameRequest(locked, current) && locked.Plan.SequenceEqual(current.Plan, StringComparer.Ordinal) && PinnedRecipe.AreSame(locked.Recipe, current.Recipe)
        && (locked.Artifact == current.Artifact || (locked.Latency is { } then && current.Latency is { } now && !IsSameMachine(then, now)))
        && locked.Size == current.Size && locked.CompressedSize == current.CompressedSize
        && locked.Accuracy.Equals(current.Accuracy) && IsSameLatency(locked.Latency, current.Latency)
        && LockedLimit.IsSame(locked.MaxLatency, current.MaxLatency);

    /// <summary>
    /// Whether the same request must give the same bytes: calibration runs the model in floating point, which another kind of processor
    /// rounds otherwise, and where latency is measured it may decide between recipes.
    /// </summary>
    private static bool PromisesBytes(LockEntry locked, LockEntry current) =>
        (locked.Latency is { } then && current.Latency is { } now && ProcessorName.AreSame(then.Processor, now.Processor))
        || (locked.Plan.SequenceEqual(current.Plan, StringComparer.Ordinal) && !current.Settings.ContainsKey(MetadataNames.CalibrationData));

    private static bool IsSameRequest(LockEntry locked, LockEntry current) =>
        locked.Source == current.Source && AreSame(locked.Settings, current.Settings);

    internal static bool AreSame(IReadOnlyDictionary<string, string> locked, IReadOnlyDictionary<string, string> current) =>
        locked.Count == current.Count && locked.All(pair => Text(current, pair.Key) == Text(locked, pair.Key));

    private static double HighestDrop(AccuracyDrop drop) => drop.Samples > 0 && drop.Metric.IsShare()
        ? Math.Max(drop.High, drop.Value + (RuleOfThree / drop.Samples))
        : drop.High;

    private static bool IsSameMachine(LatencyRatio a, LatencyRatio b) => ProcessorName.AreSame(a.Processor, b.Processor) && a.Threads == b.Threads;

    private static bool IsSameLatency(LatencyRatio? locked, LatencyRatio? current) =>
        current is null || (locked is not null && (!IsSameMachine(locked, current) || (locked.Low <= current.High && current.Low <= locked.High)));

    private static string PlanChange(LockEntry locked, LockEntry current)
    {
        var (gone, added) = (locked.Plan.Except(current.Plan).ToList(), current.Plan.Except(locked.Plan).ToList());
        return gone.Count + added.Count == 0 ? "by the same steps"
            : string.Join("; ", new[] { gone.Count > 0 ? $"without {string.Join(", ", gone)}" : "", added.Count > 0 ? $"with {string.Join(", ", added)}" : "" }.Where(part => part.Length > 0));
    }

    private static string Text(IReadOnlyDictionary<string, string> settings, string name) => settings.TryGetValue(name, out var value) ? $"\"{value}\"" : "not set";

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
