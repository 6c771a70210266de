using ModelBuildTasks.Evaluation.Statistics;

namespace ModelBuildTasks.Evaluation.Budgets;

/// <summary>The limits, by the names of the item's metadata.</summary>
public enum BudgetKind
{
    MinAccuracy,
    MaxAccuracyDrop,
    MaxClassAccuracyDrop,
    MaxLatency,
    MaxLatencyRatio,
    MaxSize,
    MaxSizeRatio,
    MaxMemory,
}

/// <summary>What became of a budget.</summary>
public enum BudgetOutcome
{
    Passed,
    Failed,

    /// <summary>Noise or too few samples: the interval allows both answers.</summary>
    Undecided,

    /// <summary>Nothing was measured that could decide it.</summary>
    NotMeasured,
}

/// <summary>A budget held against what was measured.</summary>
/// <param name="Kind">The budget.</param>
/// <param name="Allowed">Its limit: shares, milliseconds, ratios or bytes.</param>
/// <param name="Measured">What was measured, in the same unit; null when nothing was.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="Sentence">What was measured and what is allowed; when undecided, also what would decide it.</param>
public sealed record BudgetVerdict(BudgetKind Kind, double Allowed, Estimate? Measured, BudgetOutcome Outcome, string Sentence)
{
    /// <summary>Why nothing was measured, as the end of a sentence that names the budget; null when something was.</summary>
    public string? Reason { get; init; }
}

/// <summary>Limits to hold; null where none is written.</summary>
public sealed record BudgetLimits
{
    /// <summary>Least score of the optimized model; for errors, the largest.</summary>
    public double? MinAccuracy { get; init; }

    /// <summary>Largest drop against the original, in the metric's unit.</summary>
    public double? MaxAccuracyDrop { get; init; }

    /// <summary>Largest drop of the share of right answers within any class or slice.</summary>
    public double? MaxClassAccuracyDrop { get; init; }

    /// <summary>Largest median of one run.</summary>
    public double? MaxLatencyMilliseconds { get; init; }

    /// <summary>The processor that <see cref="MaxLatencyMilliseconds"/> was set on, where latency was measured on another kind, which proves nothing of it; null where it holds.</summary>
    public string? MaxLatencyProcessor { get; init; }

    /// <summary>Largest ratio to the original's latency.</summary>
    public double? MaxLatencyRatio { get; init; }

    /// <summary>Largest artifact.</summary>
    public long? MaxSizeBytes { get; init; }

    /// <summary>Largest ratio to the original's size, external data included.</summary>
    public double? MaxSizeRatio { get; init; }

    /// <summary>Most memory that loading and running takes.</summary>
    public long? MaxMemoryBytes { get; init; }
}

/// <summary>What was measured; null where nothing was.</summary>
public sealed record BudgetMeasurements
{
    public Metrics.AccuracyResult? Accuracy { get; init; }

    /// <summary>Whether <see cref="Accuracy"/> compares with the original; else both its scores are the artifact's own.</summary>
    public bool HasOriginal { get; init; } = true;

    public Latency.LatencyResult? Latency { get; init; }

    /// <summary>What another device measured, where <see cref="Latency"/> is missing.</summary>
    public DeviceLatency? DeviceLatency { get; init; }

    /// <summary>Why latency was not measured, as the end of a sentence.</summary>
    public string? LatencyReason { get; init; }

    /// <summary>Bytes of the original, external data included.</summary>
    public long? OriginalBytes { get; init; }

    /// <summary>Bytes of the artifact.</summary>
    public long? OptimizedBytes { get; init; }

    /// <summary>What a process takes at most to load and run the artifact, beyond what it had before.</summary>
    public long? PeakMemoryBytes { get; init; }

    /// <summary>The device that memory was measured on, where it is another one.</summary>
    public string? MemoryBasis { get; init; }

    /// <summary>Why memory was not measured, as the end of a sentence.</summary>
    public string? MemoryReason { get; init; }
}

/// <summary>A latency that another device measured.</summary>
/// <param name="Milliseconds">One run of the artifact; null when it measured none.</param>
/// <param name="Ratio">To the original; null without one, or with another original.</param>
/// <param name="Basis">How and where it was measured.</param>
/// <param name="RatioReason">Why there is no ratio, as the end of a sentence.</param>
public sealed record DeviceLatency(Estimate? Milliseconds, Estimate? Ratio, string Basis, string? RatioReason);
