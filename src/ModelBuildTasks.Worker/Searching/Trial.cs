using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Evaluation.Budgets;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Recipes;

namespace ModelBuildTasks.Worker.Searching;

/// <summary>One form of the model: how it is made, and what became of it.</summary>
/// <param name="Name">What people call it.</param>
/// <param name="Reason">Why it was tried, as a clause.</param>
/// <param name="Rank">Its place in the order in which forms are preferred where nothing is measured, from 0.</param>
/// <param name="Share">Share of channels or weights that are removed.</param>
internal sealed record Trial(string Name, string Reason, int Rank, double Share)
{
    /// <summary>The recipe, for the source as it is the one that changes nothing; null before it is made.</summary>
    internal Recipe? Recipe { get; init; }

    /// <summary>What was done to what it was prepared from.</summary>
    internal IReadOnlyList<Step> Steps { get; init; } = [];

    /// <summary>What is known of the artifact; null where there is none.</summary>
    internal Outcome? Outcome { get; init; }

    /// <summary>Why it may not ship, as a clause; null when it may.</summary>
    internal string? Refusal { get; init; }

    /// <summary>What <see cref="Refusal"/> is about.</summary>
    internal RefusalCause Cause { get; init; }

    /// <summary>Whether it found nothing to do.</summary>
    internal bool DidNotApply { get; init; }

    /// <summary>Bytes of what would ship, compressed where that is asked for.</summary>
    internal long ShippedBytes { get; init; }

    /// <summary>What the project's budgets say of it.</summary>
    internal IReadOnlyList<BudgetVerdict> Budgets { get; init; } = [];

    /// <summary>What earlier attempts taught, which holds with more channels removed, too.</summary>
    internal Lessons Lessons { get; init; } = new(null, new HashSet<string>());

    internal double Seconds { get; init; }

    /// <summary>Whether the lock file has it.</summary>
    internal bool IsLocked { get; init; }

    /// <summary>Whether it is the source itself.</summary>
    internal bool IsSource { get; init; }

    /// <summary>The plan of its quantization, also where it may not ship.</summary>
    internal QuantizationPlan? Plan { get; init; }

    internal bool MayShip => Refusal is null;

    /// <summary>Time over the original's; null when not measured.</summary>
    internal double? LatencyRatio => IsSource ? 1 : Outcome?.Latency?.Ratio.Value;

    /// <summary>What it loses, in the metric's unit, else in likeness; 0 for the source.</summary>
    internal double Loss => Outcome?.Accuracy is { } accuracy ? accuracy.Drop?.Value ?? 1 - accuracy.WorstCosine : Outcome?.DrawnCosine is { } cosine ? 1 - cosine : 0;

    /// <summary>How far its outputs are from the original's, 0 for the same, where the metric sees no difference.</summary>
    internal double Unlikeness => IsSource ? 0 : 1 - (Outcome?.Accuracy?.WorstCosine ?? Outcome?.DrawnCosine ?? 1);

    /// <summary>The budgets that it surely breaks.</summary>
    internal IEnumerable<BudgetVerdict> Broken => Budgets.Where(verdict => verdict.Outcome == BudgetOutcome.Failed);

    internal SearchTrial Contract(bool isChosen, bool isOnFront) => new()
    {
        Name = Name,
        Reason = Reason,
        Refusal = Refusal ?? (Broken.FirstOrDefault() is { } broken ? FaultDiagnostics.Clause(broken.Sentence) : null),
        IsChosen = isChosen,
        IsOnFront = isOnFront,
        Bytes = ShippedBytes > 0 ? ShippedBytes : null,
        Accuracy = Outcome?.Accuracy?.Optimized.Value,
        Drop = Outcome?.Accuracy?.Drop?.Value,
        Cosine = Outcome?.Accuracy?.WorstCosine ?? Outcome?.DrawnCosine,
        LatencyRatio = LatencyRatio,
        LatencyLow = Outcome?.Latency?.Ratio.Low,
        LatencyHigh = Outcome?.Latency?.Ratio.High,
        PeakMemoryBytes = Outcome?.Memory?.Optimized,
        Seconds = Seconds,
    };
}
