namespace ModelBuildTasks.Benchmarks;

/// <summary>The models to measure: the sample's own, and real ones where <c>MODELBUILD_DATA</c> names a folder that has them.</summary>
internal static class BenchmarkModels
{
    private static readonly string[] Real = ["squeezenet1.0_imagenet_fp32.onnx", "mobilenet_v1_0.25_224.onnx", "aka_resnet20_cifar10.onnx", "ultraface_RFB-320.onnx"];

    internal static IEnumerable<string> Paths()
    {
        yield return Repository.File("samples/MeterReader/Models/digits.onnx");
        foreach (string path in Real.Select(name => Data("models", name)).Where(File.Exists))
        {
            yield return path;
        }
    }

    /// <summary>A file or folder of the benchmark data.</summary>
    internal static string Data(string kind, string name) =>
        Path.Combine(Repository.PublishedData, kind, name);
}
