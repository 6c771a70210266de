namespace ModelBuildTasks.Benchmarks;

/// <summary>The models to measure: the sample's own, and real ones where <c>MODELBUILD_DATA</c> names a folder that has them.</summary>
internal static class BenchmarkModels
{
    private static readonly string[] Real = ["squeezenet1.0_imagenet_fp32.onnx", "mobilenet_v1_0.25_224.onnx", "aka_resnet20_cifar10.onnx", "ultraface_RFB-320.onnx"];

    internal static IEnumerable<string> Paths()
    {
        string root = Root();
        yield return Path.Combine(root, "samples", "MeterReader", "Models", "digits.onnx");
        string data = Environment.GetEnvironmentVariable("MODELBUILD_DATA") ?? Path.Combine(root, "..", "shared", "data");
        foreach (string path in Real.Select(name => Path.GetFullPath(Path.Combine(data, "models", name))).Where(File.Exists))
        {
            yield return path;
        }
    }

    private static string Root()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "ModelBuildTasks.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException("The benchmarks run inside the repository.");
    }
}
