using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.Budgets;
using ModelBuildTasks.Worker.Searching;
using static ModelBuildTasks.Worker.Tests.Searching.SampleTrials;

namespace ModelBuildTasks.Worker.Tests.Searching;

[TestClass]
public sealed class TrialRankingTests
{
    [TestMethod]
    [DataRow(Objective.Latency, "fast, small, exact, slim")]
    [DataRow(Objective.Size, "small, fast, exact, slim")]
    [DataRow(Objective.Memory, "slim, fast, small, exact")]
    [DataRow(Objective.Accuracy, "exact, fast, small, slim")]
    public void The_objective_says_what_is_best(Objective objective, string order) => Assert.AreEqual(order, Ordered(
        objective,
        Of("small", latency: 0.7, drop: 0.002, bytes: 20, memory: 400),
        Of("fast", latency: 0.5, drop: 0.001, bytes: 30, memory: 300),
        Of("exact", latency: 0.8, drop: 0, bytes: 40, memory: 500),
        Of("slim", latency: 0.9, drop: 0.003, bytes: 50, memory: 200)));

    [TestMethod]
    public void Of_trials_as_fast_within_2_percent_the_one_that_loses_least_is_best() =>
        Assert.AreEqual("near, first, far", Ordered(Objective.Latency, Of("first", latency: 0.500, drop: 0.004), Of("near", latency: 0.509, drop: 0.001), Of("far", latency: 0.511, drop: 0)));

    [TestMethod]
    public void Of_trials_as_fast_within_2_percent_the_one_that_is_locked_is_best_whatever_it_loses() =>
        Assert.AreEqual("locked, near, first", Ordered(Objective.Latency, Of("first", latency: 0.500, drop: 0.004), Of("near", latency: 0.505), Of("locked", latency: 0.509, drop: 0.005) with { IsLocked = true }));

    [TestMethod]
    [DataRow(0.52, "near, first")]
    [DataRow(0.53, "first, near")]
    public void A_loss_that_nobody_has_allowed_takes_a_gain_of_5_percent(double latency, string order) =>
        Assert.AreEqual(order, NamesOf(new TrialRanking(Objective.Latency, mayLose: false).Order([Of("first", latency: 0.5, drop: 0.004), Of("near", latency, drop: 0.001)])));

    [TestMethod]
    public void What_is_locked_is_not_kept_where_another_is_clearly_better() =>
        Assert.AreEqual("other, locked", Ordered(Objective.Latency, Of("locked", latency: 0.6) with { IsLocked = true }, Of("other", latency: 0.5, drop: 0.004)));

    [TestMethod]
    public void What_keeps_the_budgets_is_better_than_what_is_faster() =>
        Assert.AreEqual("keeps, breaks", Ordered(Objective.Latency, Of("breaks", latency: 0.1).Breaking(BudgetKind.MaxSize, 101, 100), Of("keeps", latency: 0.9)));

    [TestMethod]
    public void A_tie_is_none_where_one_of_the_two_breaks_a_budget() =>
        Assert.AreEqual("keeps, breaks", Ordered(Objective.Latency, Of("breaks", latency: 0.5).Breaking(BudgetKind.MaxSize, 101, 100) with { IsLocked = true }, Of("keeps", latency: 0.5, drop: 0.005)));

    [TestMethod]
    public void Of_those_that_break_budgets_the_nearest_by_the_largest_share_is_best() => Assert.AreEqual("two by a little, one by half, one by twice", Ordered(
        Objective.Latency,
        Of("one by twice", latency: 0.1).Breaking(BudgetKind.MaxSize, 300, 100),
        Of("one by half", latency: 0.2).Breaking(BudgetKind.MaxSizeRatio, 0.75, 0.5),
        Of("two by a little", latency: 0.9).Breaking(BudgetKind.MaxSize, 110, 100).Breaking(BudgetKind.MaxLatencyRatio, 1.1, 1)));

    [TestMethod]
    public void A_score_below_its_least_and_an_error_above_its_largest_are_exceeded_alike()
    {
        double score = TrialRanking.Excess(Of("score").Breaking(BudgetKind.MinAccuracy, measured: 0.45, allowed: 0.9));
        double error = TrialRanking.Excess(Of("error").Breaking(BudgetKind.MinAccuracy, measured: 0.2, allowed: 0.1));

        Assert.AreEqual(Math.Log(2), score, 1e-12);
        Assert.AreEqual(Math.Log(2), error, 1e-12);
    }

    [TestMethod]
    [DataRow(0.1, 0.0)]
    [DataRow(double.NaN, 0.1)]
    [DataRow(double.PositiveInfinity, 0.1)]
    [DataRow(-0.1, 0.1)]
    public void What_no_share_can_tell_is_not_nearly_kept(double measured, double allowed) =>
        Assert.AreEqual(double.MaxValue, TrialRanking.Excess(Of("any").Breaking(BudgetKind.MinAccuracy, measured, allowed)));

    [TestMethod]
    public void A_budget_that_noise_leaves_open_is_not_broken() =>
        Assert.AreEqual(0, TrialRanking.Excess(Of("any") with { Budgets = [new BudgetVerdict(BudgetKind.MaxLatencyRatio, 0.5, null, BudgetOutcome.Undecided, "")] }));

    [TestMethod]
    public void Where_one_was_not_measured_the_order_of_preference_decides_and_then_what_removes_more() => Assert.AreEqual(
        "pruned, first, second", Ordered(Objective.Latency, Of("second", latency: 0.1, rank: 1), Of("first", rank: 0), Of("pruned", latency: 0.9, rank: 0, share: 0.5)));

    [TestMethod]
    public void Where_nothing_was_measured_what_keeps_the_budgets_is_still_first() =>
        Assert.AreEqual("second, first", Ordered(Objective.Latency, Of("first", rank: 0).Breaking(BudgetKind.MaxSize, 101, 100), Of("second", rank: 1)));

    [TestMethod]
    public void Where_nothing_was_measured_one_kind_of_numbers_is_taken_in_the_way_that_loses_least() =>
        Assert.AreEqual("better ranges, ranges", Ordered(Objective.Latency, Of("ranges", drop: 0.004), Of("better ranges", drop: 0.001)));

    [TestMethod]
    public void The_source_itself_takes_its_own_time_and_memory_and_loses_nothing()
    {
        Trial source = Of("source", memory: 2000, isJudged: false) with { IsSource = true };

        Assert.AreEqual(1, new TrialRanking(Objective.Latency).Value(source));
        Assert.AreEqual(1000, new TrialRanking(Objective.Memory).Value(source));
        Assert.AreEqual(0, new TrialRanking(Objective.Accuracy).Value(source));
    }

    [TestMethod]
    public void Accuracy_that_nothing_told_is_not_measured() => Assert.IsNull(new TrialRanking(Objective.Accuracy).Value(Of("any", isJudged: false)));

    [TestMethod]
    public void A_gain_by_chance_is_no_better_than_losing_nothing() => Assert.AreEqual(0, new TrialRanking(Objective.Accuracy).Value(Of("lucky", drop: -0.002)));

    [TestMethod]
    public void What_was_refused_has_no_place() => Assert.AreEqual("good", Ordered(Objective.Latency, Of("refused", latency: 0.1).Refused(), Of("good", latency: 0.9)));

    [TestMethod]
    public void Of_nothing_nothing_is_best() => Assert.IsEmpty(new TrialRanking(Objective.Latency).Order([]));

    [TestMethod]
    public void On_the_front_is_what_no_other_beats_in_time_size_and_accuracy_together() => Assert.AreEqual("fast, small, exact, twin, its twin", NamesOf(TrialRanking.Front(
    [
        Of("fast", latency: 0.5, drop: 0.002, bytes: 60),
        Of("small", latency: 0.7, drop: 0.002, bytes: 30),
        Of("exact", latency: 0.9, drop: 0, bytes: 90),
        Of("beaten", latency: 0.6, drop: 0.002, bytes: 60),
        Of("refused", latency: 0.1, bytes: 10).Refused(),
        Of("twin", latency: 0.6, drop: 0.001, bytes: 50),
        Of("its twin", latency: 0.6, drop: 0.001, bytes: 50),
    ])));
}
