using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;

namespace ModelBuildTasks.Evaluation.Tests;

/// <summary>The comparisons over ONNX Runtime, on published models and data.</summary>
[TestClass]
public sealed class RealModelTests
{
    [TestMethod]
    public void A_model_against_itself_loses_nothing()
    {
        string root = PublishedData.Root();
        using ModelSession session = ModelSession.Open(Path.Combine(root, "models", "winml_iris.onnx"));

        AccuracyResult result = AccuracyComparison.Run(session, session, Dataset.Open(Path.Combine(root, "datasets", "iris", "iris.csv"), [.. session.Inputs]));

        Assert.AreEqual(MetricKind.Top1, result.Metric);
        Assert.AreEqual(0.98, result.Original.Value, 1e-9);
        Assert.AreEqual(0, result.Drop!.Value.Value);
        Assert.AreEqual(1, result.Agreement);
        Assert.AreEqual(1, result.WorstCosine, 1e-6);
        Assert.HasCount(3, result.Classes);
    }

    [TestMethod]
    [DataRow(MetricKind.Top5)]
    [DataRow(MetricKind.F1)]
    [DataRow(MetricKind.AreaUnderRoc)]
    public void Label_metrics_score_a_good_model_highly(MetricKind metric)
    {
        string root = PublishedData.Root();
        using ModelSession session = ModelSession.Open(Path.Combine(root, "models", "mnist8_cntk.onnx"));
        Dataset dataset = Dataset.Open(Path.Combine(root, "datasets", "mnist", "test5k-images.idx.gz"), [.. session.Inputs]).Take(500);

        AccuracyResult result = AccuracyComparison.Run(session, session, dataset, metric);

        Assert.IsTrue(result.Original.Value is > 0.95 and <= 1, result.Original.ToString());
    }

    [TestMethod]
    public void Latency_of_sessions_is_measured_in_pairs()
    {
        string root = PublishedData.Root();
        using ModelSession session = ModelSession.Open(Path.Combine(root, "models", "mnist8_cntk.onnx"));
        Sample sample = Dataset.Open(Path.Combine(root, "datasets", "mnist", "test5k-images.idx.gz"), [.. session.Inputs]).Read().First();

        LatencyResult? result = LatencyComparison.Run(session, session, sample.Inputs, "a processor", settings: new LatencySettings { TimeLimit = TimeSpan.FromSeconds(0.3) });

        Assert.IsNotNull(result);
        Assert.IsGreaterThanOrEqualTo(15, result.Pairs);
        Assert.IsTrue(result.OriginalMilliseconds.Value > 0 && result.Ratio.Low <= result.Ratio.Value && result.Ratio.Value <= result.Ratio.High);
    }
}
