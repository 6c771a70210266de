using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

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
    public void A_detector_finds_what_it_found()
    {
        string root = PublishedData.Root();
        using ModelSession session = ModelSession.Open(Path.Combine(root, "models", "ultraface_RFB-320.onnx"));
        using TemporaryDescription description = new();
        Directory.CreateDirectory(description["photos"]);
        foreach (string photo in Directory.EnumerateFiles(Path.Combine(root, "datasets", "photos"), "astronaut_0*.jpg"))
        {
            File.Copy(photo, Path.Combine(description["photos"], Path.GetFileName(photo)));
        }

        string Declare(string objects) => $$"""
            { "data": "photos", "mean": 127, "std": 128,
              "detection": { "boxes": "boxes", "scores": "scores", "background": 0, "suppression": 0.3{{objects}} } }
            """;
        Dataset photos = Dataset.Open(description.Write("photos.json", Declare("")), session.Inputs);
        DetectionReader reader = new(photos.Scoring.Detection!, [.. session.Outputs.Select(output => output.Name)]);
        int faces = 0;
        description.Write("faces.jsonl", string.Join('\n', photos.Read().Select(sample =>
        {
            string[] found = [.. reader.Detections(session.Run(sample.Inputs)).Where(detection => detection.Score > 0.7)
                .Select(detection => FormattableString.Invariant($"[{detection.Box.Left:R}, {detection.Box.Top:R}, {detection.Box.Right:R}, {detection.Box.Bottom:R}, 1]"))];
            faces += found.Length;
            return $"[{string.Join(", ", found)}]";
        })));

        AccuracyResult result = AccuracyComparison.Run(session, session, Dataset.Open(description.Write("faces.json", Declare(", \"objects\": \"faces.jsonl\"")), session.Inputs));

        Assert.IsGreaterThanOrEqualTo(5, faces);
        Assert.AreEqual(MetricKind.MeanAveragePrecision, result.Metric);
        Assert.AreEqual(1, result.Original.Value, 1e-9);
        Assert.AreEqual(0, result.Drop!.Value.Value);
    }

    [TestMethod]
    public void Masks_are_labels_of_a_data_set_like_any_other()
    {
        using TemporaryDescription description = new();
        description.Write("data.jsonl", """
            {"x": [[0.9, 0.1], [0.2, 0.8]], "label": [[1, 0], [0, 1]]}
            {"x": [[0.9, 0.9], [0.2, 0.8]], "label": [[1, 0], [255, 1]]}
            """);
        description.Write("data.jsonl.json", """{ "segmentation": { "ignore": 255 } }""");
        Dataset dataset = Dataset.Open(description["data.jsonl"], [new TensorSignature("x", ElementType.Float, ["N", 2, 2])]);

        AccuracyResult result = AccuracyComparison.Run(inputs => inputs, inputs => inputs, ["mask"], dataset, MetricKind.Auto, new AccuracySettings(1, Resamples: 100));

        Assert.AreEqual(MetricKind.IntersectionOverUnion, result.Metric);
        // Class 0: 2 of 3 places, class 1: 4 of 5.
        Assert.AreEqual((2 / 3.0 + 4 / 5.0) / 2, result.Original.Value, 1e-12);
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

    /// <summary>A folder for what describes data that lies elsewhere.</summary>
    private sealed class TemporaryDescription : IDisposable
    {
        private readonly string folder = Directory.CreateTempSubdirectory("modelbuild-evaluation-").FullName;

        internal string this[string name] => Path.Combine(folder, name);

        internal string Write(string name, string text)
        {
            File.WriteAllText(this[name], text);
            return this[name];
        }

        public void Dispose() => Directory.Delete(folder, recursive: true);
    }
}
