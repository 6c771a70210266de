namespace ModelBuildTasks.Evaluation.Budgets;

/// <summary>
/// Holds measurements against limits. A budget fails only when the whole 95 % interval lies beyond it, so that noise never
/// breaks a build; when only the value does, it is undecided, and said so.
/// </summary>
public static class BudgetJudge
{
    public static BudgetVerdict Judge(Budget budget)
    {
        if (budget.Measured is not { } measured)
        {
            return new BudgetVerdict(budget, BudgetOutcome.NotMeasured);
        }

        bool isFloor = budget.Kind == BudgetKind.MinAccuracy;
        // A value that is not a number keeps no promise.
        bool holds = isFloor ? measured >= budget.Allowed : measured <= budget.Allowed;
        bool mayHold = isFloor ? budget.High >= budget.Allowed : budget.Low <= budget.Allowed;
        return new BudgetVerdict(budget, holds ? BudgetOutcome.Passed : mayHold ? BudgetOutcome.Undecided : BudgetOutcome.Failed);
    }
}
