using System.CommandLine;
using System.Globalization;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Quantization.WeightOnly;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Benchmarks;

/// <summary>
/// Weight-only quantization of real models on real data: size, accuracy and latency against the source model. Calibration and evaluation use disjoint samples.
/// </summary>
internal static class WeightOnlyModels
{
    private sealed record Case(string Model, string Scale, string Calibration, string Evaluation, string Labels, string CalibrationSplit = "", string EvaluationSplit = "");

    private static readonly Case[] Cases =
    [
        new("digits_mlp.onnx", "1/16", "digits/train_x.idx.gz", "digits/test_x.idx.gz", "digits/test_y.idx.gz"),
        new("fashion_mlp_bstollnitz.onnx", "1/255", "fashion900/images600.idx.gz", "fashion900/images600.idx.gz", "fashion900/labels600.idx.gz", "0, 0.3", "0.3, 1"),
        new("mnist_pytorch_onnx2c.onnx", "1/255", "mnist/calib1k-images.idx.gz", "mnist/test5k-images.idx.gz", "mnist/test5k-labels.idx.gz"),
        new("mnist8_cntk.onnx", "1", "mnist/calib1k-images.idx.gz", "mnist/test5k-images.idx.gz", "mnist/test5k-labels.idx.gz"),
        new("magika_standard_v3_3.onnx", "1", "magika_src/features758.idx.gz", "magika_src/features758.idx.gz", "magika_src/labels758.idx.gz", "0, 0.3", "0.3, 1"),
    ];

    private static readonly (string Name, BlockFormat Format)[] Formats =
    [
        ("8 bits", new BlockFormat(8, 32, IsSymmetric: true)),
        ("4 bits", new BlockFormat(4, 32, IsSymmetric: false)),
        ("2 bits", new BlockFormat(2, 32, IsSymmetric: false)),
        ("signs", BlockFormat.Binary(32)),
    ];

    internal static Command Command()
    {
        Command command = new("models", "Weight-only quantization of real models: size, accuracy, latency.");
        command.SetAction(_ =>
        {
            Console.WriteLine("| model | weights | size | original | rounding | GPTQ | latency ratio, batch 1 |");
            Console.WriteLine("|---|---|---|---|---|---|---|");
            foreach (Case entry in Cases.Where(entry => File.Exists(BenchmarkModels.Data("models", entry.Model))))
            {
                Measure(entry);
            }
        });
        return command;
    }

    private static void Measure(Case entry)
    {
        string path = BenchmarkModels.Data("models", entry.Model);
        using ModelSession original = ModelSession.Open(path);
        Dataset calibration = Open(entry.Calibration, null, entry.Scale, entry.CalibrationSplit, original);
        Dataset evaluation = Open(entry.Evaluation, entry.Labels, entry.Scale, entry.EvaluationSplit, original);
        foreach ((string name, BlockFormat format) in Formats)
        {
            (_, string rounded, _) = Quantize(path, format, BlockRounding(format), calibration, original, evaluation);
            (string size, string gptq, string latency) = Quantize(path, format, WeightOnlyAlgorithm.Auto, calibration, original, evaluation);
            double accuracy = AccuracyComparison.Run(original, original, evaluation).Original.Value;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {entry.Model} | {name} | {size} | {accuracy:0.0000} | {rounded} | {gptq} | {latency} |"));
        }
    }

    private static WeightOnlyAlgorithm BlockRounding(BlockFormat format) => format.IsBinary ? WeightOnlyAlgorithm.HalfQuadratic : WeightOnlyAlgorithm.RoundToNearest;

    private static (string Size, string Accuracy, string Latency) Quantize(
        string path, BlockFormat format, WeightOnlyAlgorithm algorithm, Dataset calibration, ModelSession original, Dataset evaluation)
    {
        Model model = Model.Load(path);
        PassContext context = new(TargetProfiles.CpuX64, calibration);
        new GraphSimplification().Apply(model, context);
        PassOutcome outcome = new WeightOnlyQuantization(format, algorithm).Apply(model, context);
        if (!outcome.Changed)
        {
            return ("", outcome.Explanation, "");
        }

        byte[] bytes = model.ToBytes();
        using ModelSession packed = ModelSession.Open(bytes);
        AccuracyResult accuracy = AccuracyComparison.Run(original, packed, evaluation);
        LatencyResult? latency = algorithm == WeightOnlyAlgorithm.Auto
            ? LatencyComparison.Run(original, packed, evaluation.Read().First().Inputs, ProcessorName.Current)
            : null;
        return (
            string.Create(CultureInfo.InvariantCulture, $"{bytes.Length / (double)new FileInfo(path).Length:0.000}"),
            string.Create(CultureInfo.InvariantCulture, $"{accuracy.Optimized.Value:0.0000}"),
            latency is null ? "" : string.Create(CultureInfo.InvariantCulture, $"{latency.Ratio.Value:0.00} [{latency.Ratio.Low:0.00}, {latency.Ratio.High:0.00}]"));
    }

    private static Dataset Open(string data, string? labels, string scale, string split, ModelSession session)
    {
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.json");
        string[] bounds = split.Split(", ");
        File.WriteAllText(path, $$"""
            { "data": "{{BenchmarkModels.Data("datasets", data)}}"{{(labels is null ? "" : $", \"labels\": \"{BenchmarkModels.Data("datasets", labels)}\"")}}{{(scale == "1" ? "" : $", \"scale\": \"{scale}\"")}}{{(split.Length == 0 ? "" : $", \"split\": {{ \"from\": {bounds[0]}, \"to\": {bounds[1]} }}")}} }
            """);
        try
        {
            return Dataset.Open(path, session.Inputs);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
