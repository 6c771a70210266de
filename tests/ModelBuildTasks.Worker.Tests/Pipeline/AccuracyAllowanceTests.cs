using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Evaluation.Statistics;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Worker.Pipeline;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

[TestClass]
public sealed class AccuracyAllowanceTests
{
    [TestMethod]
    [DataRow(0.981, true)]
    [DataRow(0.979, false)]
    public void Without_a_budget_one_point_may_be_lost(double after, bool isKept) =>
        Assert.AreEqual(isKept, Judge(new ModelBudgets(), Result(MetricKind.Top1, 0.99, after)).IsKept);

    [TestMethod]
    [DataRow(0.96, true)]
    [DataRow(0.94, false)]
    public void Where_only_a_least_accuracy_is_written_pruning_may_lose_the_way_to_it(double after, bool isKept) =>
        Assert.AreEqual(isKept, Judge(new ModelBudgets { MinAccuracy = 0.95 }, Result(MetricKind.Top1, 1, after)).IsKept);

    [TestMethod]
    [DataRow(0.9, true)]
    [DataRow(0.899, false)]
    public void Of_a_model_that_lacks_the_least_accuracy_itself_nothing_may_be_lost(double after, bool isKept) =>
        Assert.AreEqual(isKept, Judge(new ModelBudgets { MinAccuracy = 0.95 }, Result(MetricKind.Top1, 0.9, after)).IsKept);

    [TestMethod]
    [DataRow(0.29, true)]
    [DataRow(0.31, false)]
    public void Of_errors_the_limit_is_the_largest(double after, bool isKept) =>
        Assert.AreEqual(isKept, Judge(new ModelBudgets { MinAccuracy = 0.3 }, Result(MetricKind.MeanSquaredError, 0.1, after)).IsKept);

    [TestMethod]
    [DataRow(0.09, true)]
    [DataRow(0.11, false)]
    public void The_worst_class_is_held_to_its_budget(double drop, bool isKept)
    {
        ModelBudgets budgets = new() { MaxAccuracyDrop = 0.5, MaxClassAccuracyDrop = 0.1 };
        AccuracyResult accuracy = Result(MetricKind.Top1, 1, 1) with { Classes = [new ClassDrop(3, 100, Estimate.Exact(drop))] };

        AccuracyVerdict verdict = Judge(budgets, accuracy);

        Assert.AreEqual(isKept, verdict.IsKept, verdict.Finding);
    }

    [TestMethod]
    [DataRow(0.0146, true)]
    [DataRow(0.015, false)]
    public void What_a_search_has_pushed_to_the_limit_must_hold_it_with_a_standard_error_to_spare(double high, bool isKept)
    {
        AccuracyResult accuracy = Result(MetricKind.Top1, 0.99, 0.985) with { Drop = new Estimate(0.005, 0.001, high) };

        AccuracyVerdict verdict = Judge(new ModelBudgets(), accuracy, Proof.Margin);

        Assert.AreEqual(isKept, verdict.IsKept);
        StringAssert.Contains(verdict.Finding, "Top1 drops by 0.005 with a standard error of 0.00");
        Assert.IsTrue(Judge(new ModelBudgets(), accuracy).IsKept, "The value keeps it.");
    }

    [TestMethod]
    [DataRow(0.992, true)]
    [DataRow(0.98, false)]
    public void Without_labels_what_is_pushed_to_the_limit_must_give_the_same_classes(double agreement, bool isKept)
    {
        AccuracyResult accuracy = Result(MetricKind.Cosine, 1, 0.999) with { Labelled = false, Agreement = agreement };

        Assert.AreEqual(isKept, Judge(new ModelBudgets(), accuracy, Proof.Margin).IsKept);
        Assert.IsTrue(Judge(new ModelBudgets(), accuracy).IsKept, "What is not pushed is judged by likeness alone.");
    }

    [TestMethod]
    public void Where_nothing_may_be_lost_nothing_is_pushed_to_the_limit() =>
        Assert.IsFalse(Judge(new ModelBudgets { MaxAccuracyDrop = 0 }, Result(MetricKind.Top1, 0.99, 0.99) with { Drop = new Estimate(0, -0.003, 0.003) }, Proof.Margin).IsKept);

    [TestMethod]
    public void A_gain_does_not_pay_for_what_other_samples_may_show() =>
        Assert.IsFalse(Judge(new ModelBudgets(), Result(MetricKind.Top1, 0.95, 0.9625) with { Drop = new Estimate(-0.0125, -0.05, 0.03) }, Proof.Margin).IsKept);

    [TestMethod]
    public void The_least_accuracy_leaves_a_search_as_much_room_as_chance_may_have_given_it() =>
        Assert.IsFalse(Judge(new ModelBudgets { MinAccuracy = 0.95 }, Result(MetricKind.Top1, 0.96, 0.951) with { Drop = new Estimate(0.009, 0.004, 0.014) }, Proof.Margin).IsKept);

    [TestMethod]
    public void A_drop_to_a_score_that_is_no_number_is_too_much() =>
        Assert.IsFalse(Judge(new ModelBudgets { MaxAccuracyDrop = 0.5 }, Result(MetricKind.MeanSquaredError, 0.1, double.NaN)).IsKept);

    [TestMethod]
    public void Errors_without_a_budget_are_judged_by_likeness()
    {
        AccuracyVerdict verdict = Judge(new ModelBudgets(), Result(MetricKind.MeanSquaredError, 0.1, 5) with { WorstCosine = 0.98 });

        Assert.IsFalse(verdict.IsKept);
        StringAssert.Contains(verdict.Finding, "cosine similarity of 0.98");
    }

    [TestMethod]
    public void The_finding_says_what_was_measured_and_what_is_allowed() =>
        Assert.AreEqual("Top1 drops by 0.02 on 1000 samples, more than 0.01", Judge(new ModelBudgets(), Result(MetricKind.Top1, 1, 0.98)).Finding);

    [TestMethod]
    public void Where_nothing_is_pruned_of_our_choice_the_drop_alone_is_judged() =>
        Assert.IsTrue(new AccuracyAllowance(new OptimizationRequest { Budgets = { MinAccuracy = 0.999 } }).Judge(Result(MetricKind.Top1, 1, 0.995)).IsKept);

    private static AccuracyVerdict Judge(ModelBudgets budgets, AccuracyResult accuracy, Proof proof = Proof.Value) =>
        new AccuracyAllowance(new OptimizationRequest { Settings = { Pruning = Pruning.Auto }, Budgets = budgets }).Judge(accuracy, proof);

    private static AccuracyResult Result(MetricKind metric, double before, double after)
    {
        bool isError = metric == MetricKind.MeanSquaredError;
        return new AccuracyResult
        {
            Metric = metric,
            HigherIsBetter = !isError,
            Samples = 1000,
            Labelled = true,
            Original = Estimate.Exact(before),
            Optimized = Estimate.Exact(after),
            Drop = double.IsFinite(before) ? Estimate.Exact(isError ? after - before : before - after) : null,
            SmallestResolvableDrop = 0.003,
            Agreement = null,
            WorstCosine = 1,
            WorstOutput = "scores",
            NonFinite = [],
            Classes = [],
        };
    }
}
