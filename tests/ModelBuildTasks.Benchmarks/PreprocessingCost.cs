using System.CommandLine;
using System.Globalization;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Evaluation.Statistics;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Inputs;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Benchmarks;

/// <summary>What preprocessing in the graph adds to a run: a model for photographs with it, given bytes of several sizes, against the same model given its floats. One thread, in turns.</summary>
internal static class PreprocessingCost
{
    private const string Description = """{ "mean": 127.5, "std": 127.5 }""";
    private const string Resized = """{ "mean": 127.5, "std": 127.5, "resize": "Crop" }""";

    private static readonly (string Description, int Height, int Width)[] Cases = [(Description, 224, 224), (Resized, 224, 224), (Resized, 480, 640), (Resized, 1080, 1920), (Resized, 3000, 4000)];

    internal static Command Command()
    {
        Argument<FileInfo> model = new("model") { Description = "A model of RGB images of 224 × 224." };
        Command command = new("preprocessing", "What preprocessing in the graph adds to a run.") { model };
        command.SetAction(parsed =>
        {
            Console.WriteLine("| image | in front | without, ms | with, ms | added, ms |");
            Console.WriteLine("|---|---|---|---|---|");
            foreach ((string description, int height, int width) in Cases)
            {
                Console.WriteLine(Measure(parsed.GetRequiredValue(model).FullName, description, height, width));
            }
        });
        return command;
    }

    private static string Measure(string path, string description, int height, int width)
    {
        using ModelSession original = Open(Model.Load(path));
        Model model = Model.Load(path);
        string file = Path.GetTempFileName();
        File.WriteAllText(file, description);
        string? reason = InputPreprocessing.Apply(model, Preprocessing.Load(file, original.Inputs));
        File.Delete(file);
        if (reason is not null)
        {
            throw new InvalidOperationException(reason);
        }

        using ModelSession preprocessed = Open(model);
        byte[] pixels = new byte[height * width * 3];
        new Random(1).NextBytes(pixels);
        Tensor image = Tensor.FromBytes(ElementType.UInt8, [1, height, width, 3], pixels);
        Tensor floats = Tensor.Create([1, 3, 224, 224], new float[3 * 224 * 224]);
        LatencyResult result = LatencyComparison.Measure(
            () => original.RunBorrowed([floats]).Dispose(), () => preprocessed.RunBorrowed([image]).Dispose(), ProcessorName.Current, threads: 1, new LatencySettings(), TimeProvider.System);
        string what = description == Description ? "normalisation" : "normalisation, resizing";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {width} × {height} | {what} | {result.OriginalMilliseconds.Value:0.00} | {result.OptimizedMilliseconds.Value:0.00} | {result.OptimizedMilliseconds.Value - result.OriginalMilliseconds.Value:0.00} |");
    }

    private static ModelSession Open(Model model)
    {
        new GraphSimplification().Apply(model, new PassContext(TargetProfiles.Cpu));
        return ModelSession.Open(model);
    }
}
