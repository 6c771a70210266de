using ModelBuildTasks.Evaluation.Budgets;
using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Evaluation.Statistics;

namespace ModelBuildTasks.Evaluation.Tests.Budgets;

[TestClass]
public sealed class BudgetJudgeTests
{
    [TestMethod]
    [DataRow(0.02, 0.015, 0.03, BudgetOutcome.Failed)]
    [DataRow(0.02, 0.005, 0.03, BudgetOutcome.Undecided)]
    [DataRow(0.005, -0.001, 0.012, BudgetOutcome.Passed)]
    [DataRow(0.005, -0.02, 0.03, BudgetOutcome.Undecided)]
    [DataRow(-0.01, -0.012, -0.008, BudgetOutcome.Passed)]
    public void An_accuracy_drop_fails_only_when_its_interval_clears_the_budget(double drop, double low, double high, BudgetOutcome expected) =>
        Assert.AreEqual(expected, Judge(new BudgetLimits { MaxAccuracyDrop = 0.01 }, new BudgetMeasurements { Accuracy = Accuracy(new Estimate(drop, low, high)) }).Outcome);

    [TestMethod]
    [DataRow(0.0, BudgetOutcome.Passed)]
    [DataRow(0.001, BudgetOutcome.Failed)]
    public void A_budget_of_no_drop_is_decided_by_what_was_measured(double drop, BudgetOutcome expected) =>
        Assert.AreEqual(expected, Judge(new BudgetLimits { MaxAccuracyDrop = 0 }, new BudgetMeasurements { Accuracy = Accuracy(new Estimate(drop, -0.01, 0.01)) }).Outcome);

    [TestMethod]
    [DataRow(0.96, 0.94, 0.98, BudgetOutcome.Passed)]
    [DataRow(0.94, 0.92, 0.96, BudgetOutcome.Undecided)]
    [DataRow(0.90, 0.88, 0.92, BudgetOutcome.Failed)]
    public void Least_accuracy_is_held_against_the_optimized_score(double score, double low, double high, BudgetOutcome expected) =>
        Assert.AreEqual(expected, Judge(
            new BudgetLimits { MinAccuracy = 0.95 }, new BudgetMeasurements { Accuracy = Accuracy(Estimate.Exact(0)) with { Optimized = new Estimate(score, low, high) } }).Outcome);

    [TestMethod]
    public void For_errors_least_accuracy_is_the_largest_error() =>
        Assert.AreEqual(BudgetOutcome.Failed, Judge(
            new BudgetLimits { MinAccuracy = 0.5 },
            new BudgetMeasurements { Accuracy = Accuracy(Estimate.Exact(0)) with { HigherIsBetter = false, Optimized = new Estimate(0.9, 0.8, 1) } }).Outcome);

    [TestMethod]
    public void A_drop_from_a_score_that_is_no_number_was_not_measured()
    {
        AccuracyResult undefined = Accuracy(Estimate.Exact(0)) with { Original = Estimate.Exact(double.NaN), Drop = null };

        BudgetVerdict verdict = Judge(new BudgetLimits { MaxAccuracyDrop = 0.05 }, new BudgetMeasurements { Accuracy = undefined });

        Assert.AreEqual(BudgetOutcome.NotMeasured, verdict.Outcome);
        StringAssert.Contains(verdict.Sentence, "of the original is undefined");
    }

    [TestMethod]
    [DataRow(double.NaN, double.NaN)]
    [DataRow(double.PositiveInfinity, 0.001)]
    public void A_drop_to_a_score_that_is_no_number_breaks_its_budget(double drop, double low)
    {
        AccuracyResult broken = Accuracy(new Estimate(drop, low, drop)) with { HigherIsBetter = false, Metric = MetricKind.MeanSquaredError };

        Assert.AreEqual(BudgetOutcome.Failed, Judge(new BudgetLimits { MaxAccuracyDrop = 0.05 }, new BudgetMeasurements { Accuracy = broken }).Outcome);
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void A_score_that_is_no_number_breaks_the_least_accuracy(bool higherIsBetter)
    {
        AccuracyResult broken = Accuracy(Estimate.Exact(0)) with { HigherIsBetter = higherIsBetter, Optimized = Estimate.Exact(double.NaN) };

        BudgetVerdict verdict = Judge(new BudgetLimits { MinAccuracy = 0.5 }, new BudgetMeasurements { Accuracy = broken });

        Assert.AreEqual(BudgetOutcome.Failed, verdict.Outcome);
        Assert.Contains("is NaN over 1000 samples", verdict.Sentence);
    }

    [TestMethod]
    public void A_latency_that_is_no_number_breaks_its_budget() =>
        Assert.AreEqual(BudgetOutcome.Failed, Judge(
            new BudgetLimits { MaxLatencyMilliseconds = 2 }, new BudgetMeasurements { DeviceLatency = new DeviceLatency(Estimate.Exact(double.NaN), null, "on a phone", "it has no baseline") }).Outcome);

    [TestMethod]
    public void The_class_that_surely_lost_is_named_before_one_that_only_may_have()
    {
        AccuracyResult accuracy = Accuracy(Estimate.Exact(0)) with
        {
            Classes = [new ClassDrop(7, 2, new Estimate(0.5, -0.4, 1)), new ClassDrop(3, 400, new Estimate(0.2, 0.15, 0.25))],
        };

        BudgetVerdict verdict = Judge(new BudgetLimits { MaxClassAccuracyDrop = 0.05 }, new BudgetMeasurements { Accuracy = accuracy });

        Assert.AreEqual(BudgetOutcome.Failed, verdict.Outcome);
        StringAssert.Contains(verdict.Sentence, "class 3 loses 0.2");
    }

    [TestMethod]
    public void A_slice_that_lost_too_much_breaks_the_budget_of_classes_and_is_named()
    {
        AccuracyResult accuracy = Accuracy(Estimate.Exact(0)) with
        {
            Classes = [new ClassDrop(3, 400, new Estimate(0.01, -0.01, 0.03)) { Name = "cat" }],
            Slices = [new SliceDrop("night", 300, new Estimate(0.2, 0.15, 0.25)), new SliceDrop("day", 500, Estimate.Exact(0))],
        };

        BudgetVerdict verdict = Judge(new BudgetLimits { MaxClassAccuracyDrop = 0.05 }, new BudgetMeasurements { Accuracy = accuracy });

        Assert.AreEqual(BudgetOutcome.Failed, verdict.Outcome);
        Assert.AreEqual("slice 'night' loses 0.2 (between 0.15 and 0.25) of its right answers over 300 samples; 0.05 is allowed.", verdict.Sentence);
    }

    [TestMethod]
    public void The_worst_class_is_named_where_no_slice_is_worse()
    {
        AccuracyResult accuracy = Accuracy(Estimate.Exact(0)) with
        {
            Classes = [new ClassDrop(3, 400, new Estimate(0.01, -0.01, 0.03)) { Name = "cat" }],
            Slices = [new SliceDrop("night", 300, Estimate.Exact(0))],
        };

        BudgetVerdict verdict = Judge(new BudgetLimits { MaxClassAccuracyDrop = 0.05 }, new BudgetMeasurements { Accuracy = accuracy });

        Assert.AreEqual(BudgetOutcome.Passed, verdict.Outcome);
        Assert.Contains("class 3 (cat) loses 0.01", verdict.Sentence);
    }

    [TestMethod]
    public void A_drop_of_right_answers_tells_how_many_are_lost_and_won() =>
        Assert.Contains("to 0.96 (25 answers lost, 5 won, McNemar's p 0.00032); 0.01 is allowed", Judge(
            new BudgetLimits { MaxAccuracyDrop = 0.01 }, new BudgetMeasurements { Accuracy = Accuracy(new Estimate(0.02, 0.015, 0.03)) with { Answers = McNemar.Test(25, 5) } }).Sentence);

    [TestMethod]
    public void A_budget_below_what_the_data_resolves_is_undecided_and_says_what_it_resolves()
    {
        BudgetVerdict verdict = Judge(new BudgetLimits { MaxAccuracyDrop = 0.001 }, new BudgetMeasurements { Accuracy = Accuracy(Estimate.Exact(0)) });

        Assert.AreEqual(BudgetOutcome.Undecided, verdict.Outcome);
        Assert.Contains("1000 samples can tell a drop of 0.003 from none", verdict.Sentence);
    }

    [TestMethod]
    [DataRow(0.5, 0.45, 0.55, BudgetOutcome.Passed)]
    [DataRow(0.69, 0.65, 0.73, BudgetOutcome.Undecided)]
    [DataRow(0.71, 0.65, 0.73, BudgetOutcome.Undecided)]
    [DataRow(0.8, 0.75, 0.85, BudgetOutcome.Failed)]
    public void A_latency_ratio_is_decided_by_its_whole_interval(double ratio, double low, double high, BudgetOutcome expected) =>
        Assert.AreEqual(expected, Judge(new BudgetLimits { MaxLatencyRatio = 0.7 }, new BudgetMeasurements { Latency = Latency(new Estimate(ratio, low, high)) }).Outcome);

    [TestMethod]
    public void Latency_in_milliseconds_is_that_of_the_optimized_model()
    {
        BudgetVerdict verdict = Judge(new BudgetLimits { MaxLatencyMilliseconds = 1 }, new BudgetMeasurements { Latency = Latency(Estimate.Exact(0.5)) });

        Assert.AreEqual(BudgetOutcome.Failed, verdict.Outcome);
        Assert.AreEqual(2, verdict.Measured!.Value.Value);
    }

    [TestMethod]
    [DataRow(0.5)]
    [DataRow(50)]
    public void A_limit_of_another_processor_is_neither_kept_nor_broken_here(double limit)
    {
        BudgetVerdict verdict = Judge(new BudgetLimits { MaxLatencyMilliseconds = limit, MaxLatencyProcessor = "that processor" }, new BudgetMeasurements { Latency = Latency(Estimate.Exact(0.5)) });

        Assert.AreEqual(BudgetOutcome.Undecided, verdict.Outcome);
        StringAssert.Contains(verdict.Sentence, "a processor)");
        StringAssert.Contains(verdict.Sentence, "that processor");
    }

    [TestMethod]
    public void A_ratio_holds_on_every_processor() =>
        Assert.AreEqual(BudgetOutcome.Passed, Judge(new BudgetLimits { MaxLatencyRatio = 0.7, MaxLatencyProcessor = "that processor" }, new BudgetMeasurements { Latency = Latency(Estimate.Exact(0.5)) }).Outcome);

    [TestMethod]
    public void What_another_device_measured_is_judged_and_named()
    {
        BudgetMeasurements measured = new()
        {
            LatencyReason = "it can't run here",
            DeviceLatency = new DeviceLatency(Estimate.Exact(3), Estimate.Exact(0.8), "on a phone", null),
            PeakMemoryBytes = 2000,
            MemoryBasis = "on a phone",
        };

        foreach (BudgetLimits limits in new BudgetLimits[] { new() { MaxLatencyMilliseconds = 2 }, new() { MaxLatencyRatio = 0.7 }, new() { MaxMemoryBytes = 1000 } })
        {
            BudgetVerdict verdict = Judge(limits, measured);
            Assert.AreEqual(BudgetOutcome.Failed, verdict.Outcome);
            StringAssert.Contains(verdict.Sentence, "(on a phone)");
        }
    }

    [TestMethod]
    public void A_device_that_measured_no_baseline_leaves_the_ratio_unmeasured_and_says_why()
    {
        BudgetVerdict verdict = Judge(new BudgetLimits { MaxLatencyRatio = 0.7 }, new BudgetMeasurements { DeviceLatency = new DeviceLatency(Estimate.Exact(3), null, "on a phone", "it has no baseline") });

        Assert.AreEqual(BudgetOutcome.NotMeasured, verdict.Outcome);
        StringAssert.Contains(verdict.Sentence, "it has no baseline");
    }

    [TestMethod]
    public void Memory_is_exact_and_says_why_it_is_missing()
    {
        Assert.AreEqual(BudgetOutcome.Passed, Judge(new BudgetLimits { MaxMemoryBytes = 2000 }, new BudgetMeasurements { PeakMemoryBytes = 2000 }).Outcome);
        StringAssert.Contains(Judge(new BudgetLimits { MaxMemoryBytes = 2000 }, new BudgetMeasurements { PeakMemoryBytes = 2001 }).Sentence, "2,001 bytes of memory; 2,000 is allowed");
        StringAssert.Contains(Judge(new BudgetLimits { MaxMemoryBytes = 2000 }, new BudgetMeasurements { MemoryReason = "the process died" }).Sentence, "the process died");
    }

    [TestMethod]
    public void Sizes_are_exact_and_the_limit_itself_is_allowed()
    {
        BudgetMeasurements measured = new() { OriginalBytes = 1000, OptimizedBytes = 300 };

        Assert.AreEqual(BudgetOutcome.Passed, Judge(new BudgetLimits { MaxSizeBytes = 300 }, measured).Outcome);
        Assert.AreEqual(BudgetOutcome.Failed, Judge(new BudgetLimits { MaxSizeBytes = 299 }, measured).Outcome);
        Assert.AreEqual(BudgetOutcome.Passed, Judge(new BudgetLimits { MaxSizeRatio = 0.3 }, measured).Outcome);
        Assert.AreEqual(BudgetOutcome.Failed, Judge(new BudgetLimits { MaxSizeRatio = 0.29 }, measured).Outcome);
    }

    [TestMethod]
    public void What_was_not_measured_is_said_to_be_unmeasured_with_the_reason()
    {
        BudgetVerdict verdict = Judge(new BudgetLimits { MaxLatencyRatio = 0.7 }, new BudgetMeasurements { LatencyReason = "the target 'cuda' does not run here" });

        Assert.AreEqual(BudgetOutcome.NotMeasured, verdict.Outcome);
        StringAssert.Contains(verdict.Sentence, "'cuda' does not run here");
        Assert.AreEqual(BudgetOutcome.NotMeasured, Judge(new BudgetLimits { MaxMemoryBytes = 1 }, new BudgetMeasurements()).Outcome);
        Assert.AreEqual(BudgetOutcome.NotMeasured, Judge(new BudgetLimits { MaxAccuracyDrop = 1 }, new BudgetMeasurements()).Outcome);
    }

    [TestMethod]
    public void A_failure_tells_what_was_measured_and_what_is_allowed()
    {
        string sentence = Judge(new BudgetLimits { MaxAccuracyDrop = 0.01 }, new BudgetMeasurements { Accuracy = Accuracy(new Estimate(0.02, 0.015, 0.03)) }).Sentence;

        Assert.AreEqual(
            "Top1 drops by 0.02 (between 0.015 and 0.03) over 1000 samples, from 0.98 to 0.96; 0.01 is allowed.", sentence);
    }

    [TestMethod]
    public void Limits_that_are_not_written_are_not_judged() =>
        Assert.IsEmpty(BudgetJudge.Judge(new BudgetLimits(), new BudgetMeasurements { OptimizedBytes = 1 }));

    private static BudgetVerdict Judge(BudgetLimits limits, BudgetMeasurements measured) => BudgetJudge.Judge(limits, measured).Single();

    private static LatencyResult Latency(Estimate ratio) => new(Estimate.Exact(4), Estimate.Exact(4 * ratio.Value), ratio, 50, 1, "a processor", true);

    private static AccuracyResult Accuracy(Estimate drop) => new()
    {
        Metric = MetricKind.Top1,
        HigherIsBetter = true,
        Samples = 1000,
        Labelled = true,
        Original = Estimate.Exact(0.98),
        Optimized = Estimate.Exact(0.98 - drop.Value),
        Drop = drop,
        SmallestResolvableDrop = Math.Max(0.003, drop.Uncertainty),
        Agreement = 0.99,
        WorstCosine = 0.999,
        WorstOutput = "scores",
        NonFinite = [],
        Classes = [],
    };
}
