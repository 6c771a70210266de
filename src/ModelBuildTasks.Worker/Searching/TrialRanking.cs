using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.Budgets;

namespace ModelBuildTasks.Worker.Searching;

/// <summary>Which trial is better, by what is to be made best.</summary>
/// <param name="objective">What that is.</param>
/// <param name="mayLose">Whether the project says how much accuracy may be lost, and so that less time is worth that.</param>
internal sealed class TrialRanking(Objective objective, bool mayLose = true)
{
    /// <summary>What measuring can be wrong by: of trials as near as that the one that is locked is taken, else the one that loses least.</summary>
    private const double EqualWithin = 0.02;

    /// <summary>What a gain must be to be worth a loss that nobody has allowed.</summary>
    private const double WorthLosing = 0.05;

    /// <summary>Trials that may ship, the best first: those that keep all budgets before the others.</summary>
    internal IReadOnlyList<Trial> Order(IEnumerable<Trial> trials)
    {
        Trial[] shippable = [.. trials.Where(trial => trial.MayShip)];
        bool isMeasured = Array.TrueForAll(shippable, trial => Value(trial) is not null);
        Trial[] ordered = isMeasured
            ? [.. shippable.OrderBy(Excess).ThenBy(Value).ThenBy(Lost).ThenBy(trial => trial.Rank)]
            : [.. shippable.OrderBy(Excess).ThenBy(trial => trial.Rank).ThenByDescending(trial => trial.Share).ThenBy(trial => trial.IsLocked ? 0 : 1).ThenBy(trial => trial.Loss)];
        if (!isMeasured || ordered.Length == 0)
        {
            return ordered;
        }

        Trial best = ordered[0];
        double most = Value(best)!.Value * (1 + (mayLose ? EqualWithin : WorthLosing));
        return [.. ordered.TakeWhile(trial => Excess(trial) == Excess(best) && Value(trial) <= most).OrderBy(trial => trial.IsLocked ? 0 : 1).ThenBy(Lost).ThenBy(trial => trial.Rank).ThenBy(trial => trial.Share),
            .. ordered.SkipWhile(trial => Excess(trial) == Excess(best) && Value(trial) <= most)];
    }

    /// <summary>What tells equals apart. Where accuracy is sought, what a metric counts as a gain is none, and the likest to the original is meant.</summary>
    private double Lost(Trial trial) => objective == Objective.Accuracy ? trial.Unlikeness : trial.Loss;

    /// <summary>What is to be made small; null where it was not measured.</summary>
    internal double? Value(Trial trial) => objective switch
    {
        Objective.Size => trial.ShippedBytes,
        Objective.Memory => trial.IsSource ? trial.Outcome?.Memory?.Original : trial.Outcome?.Memory?.Optimized,
        Objective.Accuracy => trial.Outcome?.Accuracy is null && !trial.IsSource ? null : Math.Max(0, trial.Loss),
        _ => trial.LatencyRatio,
    };

    /// <summary>How far a trial is from keeping all budgets: the logarithm of the largest share by which one is exceeded; 0 where none is surely broken.</summary>
    internal static double Excess(Trial trial) => Excess(trial.Broken);

    /// <inheritdoc cref="Excess(Trial)"/>
    /// <param name="broken">Budgets that it surely breaks.</param>
    internal static double Excess(IEnumerable<BudgetVerdict> broken) => broken.Select(Excess).DefaultIfEmpty(0).Max();

    /// <summary>The trials that no other is at least as good as in time, size and accuracy, and better in one.</summary>
    internal static IReadOnlyList<Trial> Front(IEnumerable<Trial> trials)
    {
        Trial[] shippable = [.. trials.Where(trial => trial.MayShip)];
        return [.. shippable.Where(trial => !shippable.Any(other => Dominates(other, trial)))];
    }

    private static bool Dominates(Trial other, Trial trial)
    {
        (double Other, double Own)[] measures =
        [
            (other.LatencyRatio ?? 1, trial.LatencyRatio ?? 1),
            (other.ShippedBytes, trial.ShippedBytes),
            (other.Loss, trial.Loss),
        ];
        return measures.All(pair => pair.Other <= pair.Own) && measures.Any(pair => pair.Other < pair.Own);
    }

    private static double Excess(BudgetVerdict broken)
    {
        double measured = broken.Measured!.Value.Value;
        double share = broken.Kind == BudgetKind.MinAccuracy && measured < broken.Allowed ? broken.Allowed / measured : measured / broken.Allowed;
        // A limit of 0, or a score that is no number, is not nearly kept by anything.
        return double.IsFinite(share) && share > 1 ? Math.Log(share) : double.MaxValue;
    }
}
