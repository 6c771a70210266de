using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Tests.Metrics;

[TestClass]
public sealed class MetricTests
{
    private static double Score(MetricKind kind, params (float[] Output, float[] Reference, Tensor? Label)[] samples)
    {
        Metric metric = Metric.Create(kind, Scoring.Unstated, ["scores"]);
        double[][] kept = [.. samples.Select(sample => metric.Keep([Row(sample.Output)], [Row(sample.Reference)], sample.Label))];
        return metric.Scorer(kept)(Enumerable.Repeat(1, kept.Length).ToArray());
    }

    private static (float[], float[], Tensor?) Labelled(long label, params float[] scores) => (scores, scores, Tensor.Scalar(label));

    private static Tensor Row(float[] values) => Tensor.Create([1, values.Length], values);

    [TestMethod]
    public void Top1_is_the_share_of_samples_whose_best_score_is_the_label() =>
        Assert.AreEqual(2 / 3.0, Score(MetricKind.Top1, Labelled(1, 0, 1, 0), Labelled(0, 5, 1, 0), Labelled(2, 5, 1, 0)), 1e-12);

    [TestMethod]
    public void Top5_looks_at_five_places_and_ties_go_to_the_lower_index() =>
        Assert.AreEqual(0.5, Score(MetricKind.Top5, Labelled(4, 1, 1, 1, 1, 1, 1), Labelled(5, 1, 1, 1, 1, 1, 1)), 1e-12);

    [TestMethod]
    [DataRow(MetricKind.Top1)]
    [DataRow(MetricKind.Top5)]
    public void What_is_not_a_number_is_never_right(MetricKind kind) =>
        Assert.AreEqual(0, Score(kind, Labelled(0, float.NaN, float.NaN, float.NaN, float.NaN, float.NaN, float.NaN)));

    // Labels 0 0 1 1 2, predictions 0 1 1 1 0: precision 1/2, 2/3, 0; recall 1/2, 1, 0; F1 1/2, 4/5, 0.
    [TestMethod]
    [DataRow(MetricKind.Precision, (1 / 2.0 + 2 / 3.0) / 3)]
    [DataRow(MetricKind.Recall, (1 / 2.0 + 1) / 3)]
    [DataRow(MetricKind.F1, (1 / 2.0 + 4 / 5.0) / 3)]
    public void Confusion_metrics_average_over_classes(MetricKind kind, double expected) =>
        Assert.AreEqual(expected, Score(kind, Labelled(0, 1, 0, 0), Labelled(0, 0, 1, 0), Labelled(1, 0, 1, 0), Labelled(1, 0, 1, 0), Labelled(2, 1, 0, 0)), 1e-12);

    [TestMethod]
    public void Area_under_roc_counts_ordered_pairs_and_half_of_ties() =>
        // Positives .8 and .5, negatives .5 and .1: pairs 1, 1, ½, 1.
        Assert.AreEqual(3.5 / 4, Score(MetricKind.AreaUnderRoc, Labelled(1, .8f), Labelled(1, .5f), Labelled(0, .5f), Labelled(0, .1f)), 1e-12);

    [TestMethod]
    public void Area_under_roc_of_many_classes_is_the_mean_of_each_against_the_rest() =>
        Assert.AreEqual(1, Score(MetricKind.AreaUnderRoc, Labelled(0, 9, 1, 1), Labelled(1, 1, 9, 1), Labelled(2, 1, 1, 9)), 1e-12);

    [TestMethod]
    public void Area_under_roc_ranks_logits_of_any_size() =>
        Assert.AreEqual(1, Score(MetricKind.AreaUnderRoc, Labelled(0, 9000, 100, 100), Labelled(1, -5000, 9, 1), Labelled(2, 4000, 4000, 4900)), 1e-12);

    [TestMethod]
    [DataRow(MetricKind.MeanSquaredError, (1 + 9) / 2.0)]
    [DataRow(MetricKind.MeanAbsoluteError, (1 + 3) / 2.0)]
    public void Errors_are_means_over_elements(MetricKind kind, double expected)
    {
        Assert.AreEqual(expected, Score(kind, ([1, 5], [7, 7], Tensor.Vector(2f, 2f))), 1e-12);
        Assert.AreEqual(expected, Score(kind, ([1, 5], [2, 2], null)), 1e-12);
    }

    [TestMethod]
    public void Signal_to_noise_is_in_decibels() =>
        Assert.AreEqual(20, Score(MetricKind.SignalToNoise, ([11, 0], [10, 0], null)), 1e-9);

    [TestMethod]
    public void Cosine_of_channels_sees_what_the_larger_ones_would_hide()
    {
        // Two boxes and one probability for each of 4 anchors; the probabilities are lost.
        float[] expected = [300, 200, .9f, 310, 190, .8f, 280, 220, .7f, 305, 201, .6f];
        float[] found = [.. expected.Select((value, i) => i % 3 == 2 ? 0 : value)];

        double whole = Cosine.OfOutput(Tensor.Create([1, 12], found), Tensor.Create([1, 12], expected)).Similarity;
        double channels = Cosine.OfOutput(Tensor.Create([1, 4, 3], found), Tensor.Create([1, 4, 3], expected)).Similarity;

        Assert.IsGreaterThan(0.999, whole);
        Assert.AreEqual(2 / 3.0, channels, 1e-9);
    }

    [TestMethod]
    public void Cosine_is_that_of_the_worst_output()
    {
        Metric metric = Metric.Create(MetricKind.Cosine, Scoring.Unstated, ["first", "second"]);
        double[] kept = metric.Keep([Row([1, 0]), Row([1, 0])], [Row([1, 0]), Row([0, 1])], null);

        Assert.AreEqual(0, metric.Scorer([kept])([1]));
    }

    [TestMethod]
    [DataRow(float.NegativeInfinity, 1.0)]
    [DataRow(float.PositiveInfinity, 0.0)]
    [DataRow(-65504f, 0.0)]
    [DataRow(float.NaN, 0.0)]
    public void An_infinity_is_like_itself_alone(float found, double cosine) =>
        Assert.AreEqual(cosine, Cosine.OfOutput(Row([3, 4, found]), Row([3, 4, float.NegativeInfinity])).Similarity, 1e-9);

    [TestMethod]
    public void A_label_outside_the_classes_is_an_error_that_names_both()
    {
        string message = Assert.ThrowsExactly<MetricException>(() => Score(MetricKind.Top1, Labelled(3, 1, 2, 3))).Message;

        StringAssert.Contains(message, "label 3");
        StringAssert.Contains(message, "0 to 2");
    }

    [TestMethod]
    public void A_model_that_answers_with_an_index_has_a_top1() =>
        Assert.AreEqual(1, Metric.Create(MetricKind.Top1, Scoring.Unstated, ["index"]).Keep([Tensor.Vector(7L)], [Tensor.Vector(7L)], Tensor.Scalar(7L))[0]);

    [TestMethod]
    [DataRow(MetricKind.Top1)]
    [DataRow(MetricKind.Agreement)]
    public void Zeros_of_either_sign_are_equal_and_the_lower_index_wins(MetricKind kind)
    {
        Assert.AreEqual(1, Score(kind, ([-0.0f, 0.0f, -1], [0, 0, -1], Tensor.Scalar(0L)), ([0.0f, -0.0f, -1], [0, 0, -1], Tensor.Scalar(0L))));
    }

    [TestMethod]
    public void Indices_and_labels_that_single_precision_cannot_tell_apart_are_told_apart()
    {
        double Right(long index, long label) => Metric.Create(MetricKind.Top1, Scoring.Unstated, ["index"]).Keep([Tensor.Vector(index)], [Tensor.Vector(index)], Tensor.Scalar(label))[0];

        Assert.AreEqual(1, Right(16_777_217, 16_777_217));
        Assert.AreEqual(0, Right(16_777_216, 16_777_217));
    }
}
