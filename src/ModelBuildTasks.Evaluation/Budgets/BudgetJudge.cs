using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Evaluation.Statistics;

namespace ModelBuildTasks.Evaluation.Budgets;

/// <summary>
/// Holds measurements against limits. A budget fails only when the whole interval lies beyond it. It passes:
/// latency, when the whole interval lies within it, for more runs can always be had; accuracy, when the measured value lies within it and the data set could have shown a
/// breach, for the data set is what the project chose to be judged by. Anything else is undecided. Sizes and memory are exact.
/// What is no number lies beyond every limit, so conditions ask for what is allowed.
/// A limit of 0 on a drop asks for no drop on this data set, and the measured value decides: no data set could resolve it.
/// </summary>
public static class BudgetJudge
{
    /// <summary>A verdict for each limit that is written, in the order of <see cref="BudgetKind"/>.</summary>
    public static IReadOnlyList<BudgetVerdict> Judge(BudgetLimits limits, BudgetMeasurements measured)
    {
        List<BudgetVerdict> verdicts = [];
        void Add<T>(T? limit, Func<T, BudgetVerdict> judge) where T : struct
        {
            if (limit is { } written)
            {
                verdicts.Add(judge(written));
            }
        }

        Add(limits.MinAccuracy, limit => Accuracy(limit, measured.Accuracy, measured.HasOriginal));
        Add(limits.MaxAccuracyDrop, limit => Drop(limit, measured.Accuracy));
        Add(limits.MaxClassAccuracyDrop, limit => ClassDrop(limit, measured.Accuracy));
        Add(limits.MaxLatencyMilliseconds, limit => Latency(
            BudgetKind.MaxLatency, limit, measured.Latency is { } latency ? latency.OptimizedMilliseconds : measured.DeviceLatency?.Milliseconds, measured, limits.MaxLatencyProcessor));
        Add(limits.MaxLatencyRatio, limit => Latency(BudgetKind.MaxLatencyRatio, limit, measured.Latency is { } latency ? latency.Ratio : measured.DeviceLatency?.Ratio, measured));
        Add(limits.MaxSizeBytes, limit => Exact(BudgetKind.MaxSize, limit, measured.OptimizedBytes, "the artifact has", " bytes"));
        Add(limits.MaxSizeRatio, limit => Exact(
            BudgetKind.MaxSizeRatio, limit, (double?)measured.OptimizedBytes / measured.OriginalBytes, "the artifact has", " of the original's bytes"));
        Add(limits.MaxMemoryBytes, limit => Exact(BudgetKind.MaxMemory, limit, measured.PeakMemoryBytes, "loading and running the artifact takes", " bytes of memory", measured.MemoryBasis, measured.MemoryReason));
        return verdicts;
    }

    private static BudgetVerdict Accuracy(double limit, AccuracyResult? accuracy, bool hasOriginal)
    {
        if (accuracy is null)
        {
            return Unmeasured(BudgetKind.MinAccuracy, limit, "there is no evaluation data; set EvaluationData");
        }

        Estimate score = accuracy.Optimized;
        bool within = accuracy.HigherIsBetter ? score.Value >= limit : score.Value <= limit;
        bool surelyBeyond = accuracy.HigherIsBetter ? !(score.High >= limit) : !(score.Low <= limit);
        BudgetOutcome outcome = within ? BudgetOutcome.Passed : surelyBeyond ? BudgetOutcome.Failed : BudgetOutcome.Undecided;
        string bound = accuracy.HigherIsBetter ? "at least" : "at most";
        return new BudgetVerdict(BudgetKind.MinAccuracy, limit, score, outcome,
            $"{accuracy.Metric} of the optimized model is {Text(score)} over {accuracy.Samples} samples, {bound} {limit:g4} is required{(hasOriginal ? $" (the original has {accuracy.Original.Value:g4})" : "")}."
            + Hint(outcome, "More evaluation samples would decide it."));
    }

    private static BudgetVerdict Drop(double limit, AccuracyResult? accuracy)
    {
        if (accuracy?.Drop is not { } drop)
        {
            return Unmeasured(BudgetKind.MaxAccuracyDrop, limit, accuracy is null
                ? "there is no evaluation data; set EvaluationData"
                : double.IsNaN(accuracy.Original.Value) ? $"{accuracy.Metric} of the original is undefined, for its outputs are not finite for every sample"
                : $"{accuracy.Metric} of the original against itself is infinite; use MinAccuracy");
        }

        bool resolvable = limit <= 0 || accuracy.SmallestResolvableDrop <= limit;
        BudgetOutcome outcome =
            drop.Value <= limit ? (resolvable ? BudgetOutcome.Passed : BudgetOutcome.Undecided)
            : !(drop.Low <= limit) || limit <= 0 || !double.IsFinite(drop.Value) ? BudgetOutcome.Failed
            : BudgetOutcome.Undecided;
        return new BudgetVerdict(BudgetKind.MaxAccuracyDrop, limit, drop, outcome,
            $"{accuracy.Metric} {(accuracy.HigherIsBetter ? "drops" : "grows")} by {Text(drop)} over {accuracy.Samples} samples, from {accuracy.Original.Value:g4} to {accuracy.Optimized.Value:g4}{Answers(accuracy)}; {limit:g4} is allowed."
            + Hint(outcome, $"{accuracy.Samples} samples can tell a drop of {accuracy.SmallestResolvableDrop:g2} from none; more evaluation samples would decide it."));
    }

    /// <summary>Of a share of right answers, the answers that differ and whether chance alone would part them so.</summary>
    private static string Answers(AccuracyResult accuracy) =>
        accuracy is { Metric: MetricKind.Top1 or MetricKind.Top5, Answers: { } answers } ? $" ({answers.Lost} answers lost, {answers.Won} won, McNemar's p {answers.PValue:g2})" : "";

    private static BudgetVerdict ClassDrop(double limit, AccuracyResult? accuracy)
    {
        if (accuracy is null || accuracy.Classes.Count == 0)
        {
            return Unmeasured(BudgetKind.MaxClassAccuracyDrop, limit, accuracy is null
                ? "there is no evaluation data; set EvaluationData"
                : "the evaluation data has no class labels");
        }

        // The group that surely lost too much is the finding, even if one of few samples shows a larger loss.
        (string Name, int Samples, Estimate Drop)[] groups = [.. accuracy.Classes.Select(group => (group.ToString(), group.Samples, group.Drop))
            .Concat(accuracy.Slices.Select(group => (group.ToString(), group.Samples, group.Drop))).OrderByDescending(group => group.Drop.Value)];
        int beyond = Array.FindIndex(groups, group => !(group.Drop.Low <= limit) || (limit <= 0 && group.Drop.Value > limit));
        (string name, int samples, Estimate drop) = groups[Math.Max(0, beyond)];
        BudgetOutcome outcome = beyond >= 0 ? BudgetOutcome.Failed : drop.Value <= limit ? BudgetOutcome.Passed : BudgetOutcome.Undecided;
        return new BudgetVerdict(BudgetKind.MaxClassAccuracyDrop, limit, drop, outcome,
            $"{name} loses {Text(drop)} of its right answers over {samples} samples; {limit:g4} is allowed."
            + Hint(outcome, "More evaluation samples of it would decide it."));
    }

    private static BudgetVerdict Latency(BudgetKind kind, double limit, Estimate? found, BudgetMeasurements measured, string? setOn = null)
    {
        if (found is not { } latency)
        {
            return Unmeasured(kind, limit, (measured.DeviceLatency is { } device && kind == BudgetKind.MaxLatencyRatio ? device.RatioReason : measured.LatencyReason) ?? "latency was not measured on this machine");
        }

        BudgetOutcome outcome = setOn is not null ? BudgetOutcome.Undecided
            : latency.High <= limit ? BudgetOutcome.Passed
            : !(latency.Low <= limit) ? BudgetOutcome.Failed
            : BudgetOutcome.Undecided;
        string unit = kind == BudgetKind.MaxLatency ? " ms" : " of the original's time";
        string basis = measured.Latency is { } here ? $"{here.Pairs} pairs, {here.Threads} thread{(here.Threads == 1 ? "" : "s")}, {here.Processor}" : measured.DeviceLatency!.Basis;
        return new BudgetVerdict(kind, limit, latency, outcome, setOn is not null
            ? $"the optimized model takes {Text(latency)}{unit} ({basis}); {limit:g4} is allowed on the processor that it was set on, {setOn}."
            : $"the optimized model takes {Text(latency)}{unit}; {limit:g4} is allowed ({basis})." + Hint(outcome, "The machine was too noisy; measure on a quieter one."));
    }

    private static BudgetVerdict Exact(BudgetKind kind, double limit, double? found, string subject, string unit, string? basis = null, string? reason = null)
    {
        if (found is not { } value)
        {
            return Unmeasured(kind, limit, reason ?? "it was not measured");
        }

        BudgetOutcome outcome = value <= limit ? BudgetOutcome.Passed : BudgetOutcome.Failed;
        return new BudgetVerdict(kind, limit, Estimate.Exact(value), outcome,
            $"{subject} {value.ToString(Format(kind))}{unit}; {limit.ToString(Format(kind))} is allowed{(basis is null ? "" : $" ({basis})")}.");
    }

    private static BudgetVerdict Unmeasured(BudgetKind kind, double limit, string reason) =>
        new(kind, limit, null, BudgetOutcome.NotMeasured, $"{kind} of {limit.ToString(Format(kind))}{Unit(kind)} was not checked: {reason}.") { Reason = reason };

    private static string Format(BudgetKind kind) => kind is BudgetKind.MaxSize or BudgetKind.MaxMemory ? "n0" : "g4";

    private static string Unit(BudgetKind kind) => kind switch
    {
        BudgetKind.MaxSize or BudgetKind.MaxMemory => " bytes",
        BudgetKind.MaxLatency => " ms",
        _ => "",
    };

    private static string Hint(BudgetOutcome outcome, string undecided) => outcome == BudgetOutcome.Undecided ? $" {undecided}" : "";

    private static string Text(Estimate estimate) => estimate.Low.Equals(estimate.High) ? $"{estimate.Value:g4}" : $"{estimate.Value:g4} (between {estimate.Low:g4} and {estimate.High:g4})";
}
