using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Tests.Metrics;

[TestClass]
public sealed class ConfusionMetricTests
{
    // Labels 0 0 1 1 2, predictions 0 1 1 1 0: 3 of 5 are right.
    [TestMethod]
    [DataRow(MetricKind.Precision)]
    [DataRow(MetricKind.Recall)]
    [DataRow(MetricKind.F1)]
    public void Micro_counts_all_classes_together(MetricKind kind) =>
        Assert.AreEqual(3 / 5.0, Score(kind, new Scoring { Average = Averaging.Micro }, (0, [1, 0, 0]), (0, [0, 1, 0]), (1, [0, 1, 0]), (1, [0, 1, 0]), (2, [1, 0, 0])), 1e-12);

    [TestMethod]
    [DataRow(MetricKind.Precision, 2 / 3.0)]
    [DataRow(MetricKind.Recall, 1.0)]
    [DataRow(MetricKind.F1, 4 / 5.0)]
    public void Binary_is_about_the_positive_class_alone(MetricKind kind, double expected) =>
        Assert.AreEqual(expected, Score(kind, new Scoring { Average = Averaging.Binary }, (0, [1, 0, 0]), (0, [0, 1, 0]), (1, [0, 1, 0]), (1, [0, 1, 0]), (2, [1, 0, 0])), 1e-12);

    // Of class 1: predicted for samples 2, 3, 4, right for 3 and 4, and sample 5 is missed.
    [TestMethod]
    [DataRow(MetricKind.Precision, 2 / 3.0)]
    [DataRow(MetricKind.Recall, 2 / 3.0)]
    [DataRow(MetricKind.F1, 2 / 3.0)]
    public void Two_classes_are_binary_by_one_score_or_by_two(MetricKind kind, double expected)
    {
        Assert.AreEqual(expected, Score(kind, Scoring.Unstated, (0, [.1f]), (0, [.9f]), (1, [.8f]), (1, [.5f]), (1, [.2f])), 1e-12);
        Assert.AreEqual(expected, Score(kind, Scoring.Unstated, (0, [5, 1]), (0, [1, 5]), (1, [0, 1]), (1, [1, 2]), (1, [3, 1])), 1e-12);
    }

    [TestMethod]
    public void The_data_set_says_which_class_is_positive() =>
        Assert.AreEqual(1 / 2.0, Score(MetricKind.Precision, new Scoring { Positive = 0 }, (0, [.1f]), (0, [.9f]), (1, [.8f]), (1, [.5f]), (1, [.2f])), 1e-12);

    [TestMethod]
    public void Two_classes_are_averaged_where_the_data_set_says_so() =>
        Assert.AreEqual((1 / 2.0 + 2 / 3.0) / 2, Score(MetricKind.Precision, new Scoring { Average = Averaging.Macro }, (0, [.1f]), (0, [.9f]), (1, [.8f]), (1, [.5f]), (1, [.2f])), 1e-12);

    [TestMethod]
    public void A_positive_class_that_is_never_seen_scores_nothing() =>
        Assert.AreEqual(0, Score(MetricKind.F1, new Scoring { Average = Averaging.Binary, Positive = 2 }, (0, [1, 0, 0]), (1, [0, 1, 0])));

    [TestMethod]
    public void An_index_of_any_size_costs_no_memory()
    {
        Metric metric = Metric.Create(MetricKind.F1, Scoring.Unstated, ["index"]);
        double[] kept = metric.Keep([Tensor.Vector(2_000_000_000L)], [], Tensor.Scalar(2_000_000_000L));

        Assert.AreEqual(1, metric.Scorer([kept])([1]));
        Assert.AreEqual(ClassScores.None, metric.Keep([Tensor.Vector(long.MaxValue)], [], Tensor.Scalar(1L))[1]);
    }

    private static double Score(MetricKind kind, Scoring scoring, params (long Label, float[] Scores)[] samples)
    {
        Metric metric = Metric.Create(kind, scoring, ["scores"]);
        double[][] kept = [.. samples.Select(sample => metric.Keep([Tensor.Create([1, sample.Scores.Length], sample.Scores)], [], Tensor.Scalar(sample.Label)))];
        return metric.Scorer(kept)([.. samples.Select(_ => 1)]);
    }
}
