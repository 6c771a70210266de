namespace ModelBuildTasks.Evaluation.Budgets;

/// <summary>The kinds of limit that a project can set.</summary>
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
    /// <summary>Kept.</summary>
    Passed,

    /// <summary>Broken, beyond what chance explains.</summary>
    Failed,

    /// <summary>The measured value breaks it, but the interval reaches into the budget: noise or few samples could explain it.</summary>
    Undecided,

    /// <summary>There is no measurement.</summary>
    NotMeasured,
}

/// <summary>One limit and the measurement that it is held against.</summary>
/// <param name="Kind">Which budget.</param>
/// <param name="Allowed">The limit, in the budget's unit (share, milliseconds, bytes).</param>
/// <param name="Measured">The measured value; null when there is none.</param>
/// <param name="Low">Lower end of its 95 % interval; the value itself where there is no uncertainty.</param>
/// <param name="High">Upper end of its 95 % interval.</param>
public sealed record Budget(BudgetKind Kind, double Allowed, double? Measured, double? Low = null, double? High = null);

/// <summary>A judged budget.</summary>
public sealed record BudgetVerdict(Budget Budget, BudgetOutcome Outcome);
