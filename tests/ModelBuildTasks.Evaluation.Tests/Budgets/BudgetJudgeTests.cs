using ModelBuildTasks.Evaluation.Budgets;

namespace ModelBuildTasks.Evaluation.Tests.Budgets;

[TestClass]
public sealed class BudgetJudgeTests
{
    [TestMethod]
    [DataRow(BudgetKind.MaxLatencyRatio, 0.7, 0.6, 0.5, 0.8, BudgetOutcome.Passed)]
    [DataRow(BudgetKind.MaxLatencyRatio, 0.7, 0.75, 0.65, 0.85, BudgetOutcome.Undecided)]
    [DataRow(BudgetKind.MaxLatencyRatio, 0.7, 0.75, 0.72, 0.78, BudgetOutcome.Failed)]
    [DataRow(BudgetKind.MaxSize, 1000.0, 1000.0, 1000.0, 1000.0, BudgetOutcome.Passed)]
    [DataRow(BudgetKind.MaxSize, 1000.0, 1001.0, 1001.0, 1001.0, BudgetOutcome.Failed)]
    [DataRow(BudgetKind.MinAccuracy, 0.9, 0.91, 0.88, 0.94, BudgetOutcome.Passed)]
    [DataRow(BudgetKind.MinAccuracy, 0.9, 0.89, 0.86, 0.92, BudgetOutcome.Undecided)]
    [DataRow(BudgetKind.MinAccuracy, 0.9, 0.85, 0.82, 0.88, BudgetOutcome.Failed)]
    [DataRow(BudgetKind.MaxAccuracyDrop, 0.01, double.NaN, double.NaN, double.NaN, BudgetOutcome.Failed)]
    public void Fails_only_when_the_whole_interval_breaks_the_budget(BudgetKind kind, double allowed, double measured, double low, double high, BudgetOutcome expected) =>
        Assert.AreEqual(expected, BudgetJudge.Judge(new Budget(kind, allowed, measured, low, high)).Outcome);

    [TestMethod]
    public void Without_a_measurement_there_is_no_verdict() =>
        Assert.AreEqual(BudgetOutcome.NotMeasured, BudgetJudge.Judge(new Budget(BudgetKind.MaxLatency, 8, Measured: null)).Outcome);
}
