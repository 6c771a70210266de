using ModelBuildTasks.Inference.Data;

namespace ModelBuildTasks.Inference.Tests.Data;

/// <summary>The published data sets, read through descriptions as a project would write them; accuracies are those measured by other tools.</summary>
[TestClass]
public sealed class RealDataTests
{
    [TestMethod]
    [DataRow("mnist8_cntk", "mnist/test5k-images.idx.gz", "", 0.9830)]
    [DataRow("mnist_pytorch_onnx2c", "mnist/test5k-images.idx.gz", "\"scale\": \"1/255\"", 0.8950)]
    [DataRow("fashion_mlp_bstollnitz", "fashion900/images600.idx.gz", "\"scale\": \"1/255\"", 0.8733)]
    [DataRow("digits_mlp", "digits/test_x.idx.gz", "\"scale\": \"1/16\"", 0.9711)]
    [DataRow("winml_iris", "iris/iris.csv", "", 0.9800)]
    [DataRow("magika_standard_v3_3", "magika_src/features758.idx.gz", "", 0.9789)]
    [DataRow("ch_ppocr_mobile_v2.0_cls_infer", "textline_orient/images400.idx.gz",
        "\"layout\": \"NHWC\", \"color\": \"BGR\", \"scale\": \"1/255\", \"mean\": 0.5, \"std\": 0.5, \"widths\": \"$/textline_orient/widths400.idx.gz\"", 0.9600)]
    public void Models_reach_their_known_accuracy(string model, string data, string settings, double expected)
    {
        string root = DataRoot();
        string datasets = Path.Combine(root, "datasets");
        using TemporaryFolder folder = new();
        string field = $"\"data\": \"{Path.Combine(datasets, data)}\"";
        folder.Write("evaluation.json", $"{{ {field}{(settings.Length == 0 ? "" : ", ")}{settings.Replace("$", datasets)} }}");
        using ModelSession session = ModelSession.Open(Path.Combine(root, "models", model + ".onnx"));

        Dataset dataset = folder.Open("evaluation.json", [.. session.Inputs]);
        int right = dataset.Read().Count(sample =>
        {
            float[] scores = session.Run(sample.Inputs)[0].ToSingles();
            return Array.IndexOf(scores, scores.Max()) == sample.Label!.Span<long>()[0];
        });

        Assert.IsTrue(dataset.HasLabels);
        // One sample either way: the figures were rounded, and fused arithmetic may turn a tie.
        Assert.AreEqual(expected, (double)right / dataset.Count, 1.5 / dataset.Count);
    }

    [TestMethod]
    public void Photographs_feed_an_ImageNet_model_without_labels()
    {
        string root = DataRoot();
        using TemporaryFolder folder = new();
        folder.Write("photos.json", $$"""{ "data": "{{Path.Combine(root, "datasets", "photos")}}", "scale": "1/127.5", "mean": 1, "limit": 8 }""");
        using ModelSession session = ModelSession.Open(Path.Combine(root, "models", "mobilenet_v1_0.25_224.onnx"));

        Sample[] samples = [.. folder.Open("photos.json", [.. session.Inputs]).Read()];

        Assert.HasCount(8, samples);
        foreach (Sample sample in samples)
        {
            float[] pixels = sample.Inputs[0].ToSingles();
            Assert.IsNull(sample.Label);
            Assert.IsTrue(pixels.Min() >= -1 && pixels.Max() <= 1 && pixels.Max() > pixels.Min());
            Assert.AreEqual(1, session.Run(sample.Inputs)[0].ToSingles().Sum(), 1e-3f);
        }
    }

    private static string DataRoot()
    {
        if (!Directory.Exists(Repository.PublishedData))
        {
            Assert.Inconclusive("The published models and data are not here; MODELBUILD_DATA names their folder.");
        }

        return Repository.PublishedData;
    }
}
