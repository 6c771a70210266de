using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.Budgets;
using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Evaluation.Statistics;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Searching;

namespace ModelBuildTasks.Worker.Tests.Searching;

/// <summary>Trials whose figures the test states.</summary>
internal static class SampleTrials
{
    /// <summary>A trial that may ship; null is not measured.</summary>
    internal static Trial Of(string name, double? latency = null, double drop = 0, long bytes = 100, long? memory = null, int rank = 0, double share = 0, bool isJudged = true) => new(name, "it is a test", rank, share)
    {
        ShippedBytes = bytes,
        Outcome = new Outcome
        {
            ArtifactSha256 = new string('0', 64),
            OriginalBytes = 100,
            ArtifactBytes = bytes,
            Steps = [],
            Notes = [],
            Latency = latency is { } ratio ? new LatencyResult(Estimate.Exact(1), Estimate.Exact(ratio), Estimate.Exact(ratio), 100, 1, "a processor", true) : null,
            Memory = memory is { } peak ? new PeakMemories(1000, peak) : null,
            Accuracy = isJudged ? Accuracy(drop) : null,
        },
    };

    internal static Trial Breaking(this Trial trial, BudgetKind kind, double measured, double allowed) => trial with
    {
        Budgets = [.. trial.Budgets, new BudgetVerdict(kind, allowed, Estimate.Exact(measured), BudgetOutcome.Failed, "It breaks a budget.")],
    };

    internal static Trial Refused(this Trial trial, string refusal = "it was refused") => trial with { Refusal = refusal };

    internal static string NamesOf(IEnumerable<Trial> trials) => string.Join(", ", trials.Select(trial => trial.Name));

    internal static string Ordered(Objective objective, params Trial[] trials) => NamesOf(new TrialRanking(objective).Order(trials));

    private static AccuracyResult Accuracy(double drop) => new()
    {
        Metric = MetricKind.Top1,
        HigherIsBetter = true,
        Samples = 1000,
        Labelled = true,
        Original = Estimate.Exact(0.9),
        Optimized = Estimate.Exact(0.9 - drop),
        Drop = Estimate.Exact(drop),
        SmallestResolvableDrop = 0.003,
        Agreement = null,
        WorstCosine = 1,
        WorstOutput = "scores",
        NonFinite = [],
        Classes = [],
    };
}
