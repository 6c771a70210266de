using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Worker.Pipeline;

namespace ModelBuildTasks.Benchmarks;

/// <summary>Samples for a model of the test data: those of <see cref="RealCase"/>, or of a kind that it takes, else drawn ones.</summary>
internal static class TargetData
{
    private const string Photos = "photos";

    /// <summary>Enough for ranges and for an error; accuracy by labels is the matter of <see cref="RealModels"/>.</summary>
    private const int MostCalibration = 48, MostEvaluation = 60;

    /// <summary>What data sets say of themselves, for models that <see cref="RealModels"/> does not measure.</summary>
    private static readonly Dictionary<string, (string Data, string Description)> Others = new()
    {
        ["winml_iris"] = ("iris/iris.csv", """ "limit": 150"""),
        ["winml_cifar_cnn"] = (Photos, """ "scale": "1/255", "mean": 0.5, "std": 0.5"""),
        ["squeezenet_fp16"] = (Photos, """ "color": "BGR", "mean": [103.939, 116.779, 123.68]"""),
        ["mnist_pytorch_onnx2c"] = ("mnist/calib1k-images.idx.gz", """ "scale": "1/255" """),
    };

    /// <returns>No calibration samples where the inputs are drawn.</returns>
    internal static (Dataset? Calibration, Dataset Evaluation) For(SourceModel source)
    {
        string name = Path.GetFileNameWithoutExtension(source.Path);
        if (RealCase.All(null).FirstOrDefault(entry => entry.Path == source.Path) is { } known)
        {
            (Dataset calibration, Dataset evaluation) = known.Data(source.Session);
            return (Spread(calibration), evaluation.Take(MostEvaluation));
        }

        return Others.TryGetValue(name, out (string Data, string Description) other)
            ? (Spread(Part(other, source.Session, """{ "from": 0, "to": 0.3 }""")), Part(other, source.Session, """{ "from": 0.3, "to": 1 }""").Take(MostEvaluation))
            : (null, new TrialDataset(TrialInputs.For(source.Session, null)));
    }

    /// <summary>Samples from beginning to end: sound begins with silence.</summary>
    private static ListedDataset Spread(Dataset all)
    {
        int step = Math.Max(1, all.Count / MostCalibration);
        return new ListedDataset([.. all.Read().Where((_, i) => i % step == 0).Take(MostCalibration)]);
    }

    private static Dataset Part((string Data, string Description) other, ModelSession session, string split) =>
        RealCase.Described($"\"data\": \"{BenchmarkModels.Data("datasets", other.Data)}\", {other.Description}, \"split\": {split}", session.Inputs);
}
