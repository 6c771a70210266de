using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Tests.Metrics;

[TestClass]
public sealed class AgreementTests
{
    [TestMethod]
    [DataRow(new float[] { 1, 3, 2 }, new float[] { 0, 9, 0 }, 1.0)]
    [DataRow(new float[] { 1, 3, 2 }, new float[] { 9, 3, 2 }, 0.0)]
    [DataRow(new float[] { 0.4f }, new float[] { 0.6f }, 0.0)]
    [DataRow(new float[] { 0.7f }, new float[] { 0.6f }, 1.0)]
    [DataRow(new float[] { float.NaN, 1 }, new float[] { float.NaN, 2 }, 1.0)]
    [DataRow(new float[] { 1, 2 }, new float[] { float.NaN, 2 }, 0.0)]
    public void A_sample_agrees_when_both_give_it_the_same_class(float[] original, float[] optimized, double expected) =>
        Assert.AreEqual(expected, Create().Keep([Row(optimized)], [Row(original)], null)[0]);

    [TestMethod]
    public void The_score_is_the_share_of_samples_that_agree() => Assert.AreEqual(2 / 3.0, Create().Scorer([[1], [0], [1]])([1, 1, 1]), 1e-12);

    [TestMethod]
    public void No_more_than_all_samples_can_agree()
    {
        AccuracyIntervals intervals = AccuracyIntervals.Of(Create(), [[1], [1], [1], [1]], [[1], [0], [1], [1]], new AccuracySettings());

        Assert.AreEqual((0.75, 0.25), (intervals.Optimized.Value, intervals.Drop.Value));
        Assert.AreEqual(1 - intervals.Optimized.High, intervals.Drop.Low, 1e-12);
        Assert.AreEqual(1 - intervals.Optimized.Low, intervals.Drop.High, 1e-12);
        Assert.IsGreaterThanOrEqualTo(0, intervals.Drop.Low);
    }

    [TestMethod]
    public void Outputs_that_are_no_scores_of_classes_are_an_error() =>
        Assert.Contains("no vector of scores", Assert.ThrowsExactly<MetricException>(() => Create().Keep([Tensor.Create([1, 2, 2], new float[4])], [Tensor.Create([1, 2, 2], new float[4])], null)).Message);

    private static Metric Create() => Metric.Create(MetricKind.Agreement, Scoring.Unstated, ["scores"]);

    private static Tensor Row(float[] values) => Tensor.Create([1, values.Length], values);
}
