using System.CommandLine;
using System.Globalization;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Benchmarks;

/// <summary>
/// Simplification and static int8 quantization of real models on real data: size, accuracy and latency against the source model.
/// Calibration and evaluation use disjoint samples. Models without labels are judged by their agreement with the original.
/// </summary>
internal static class RealModels
{
    /// <summary>A model of <c>MODELBUILD_DATA</c>, its data there, and what <c>dataset.json</c> must say of it.</summary>
    private sealed record Case(string Model, string Data, string Description = "", string? Labels = null, string? Calibration = null, string? CalibrationLabels = null);

    private static readonly Case[] Cases =
    [
        new("mobilenet_v1_0.25_224.onnx", "photos", """, "scale": "1/127.5", "mean": 1"""),
        new("squeezenet1.0_imagenet_fp32.onnx", "photos", """, "color": "BGR", "mean": [103.939, 116.779, 123.68]"""),
        new("aka_resnet20_cifar10.onnx", "photos", """, "scale": "1/255", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]"""),
        new("ultraface_RFB-320.onnx", "photos", """, "mean": 127, "std": 128"""),
        new("magika_standard_v3_3.onnx", "magika_src/features758.idx.gz", "", "magika_src/labels758.idx.gz"),
        new(
            "ch_ppocr_mobile_v2.0_cls_infer.onnx",
            "textline_orient/images400.idx.gz",
            """, "widths": "WIDTHS", "layout": "NHWC", "color": "BGR", "scale": "1/255", "mean": 0.5, "std": 0.5""",
            "textline_orient/labels400.idx.gz"),
        new("mnist8_cntk.onnx", "mnist/test5k-images.idx.gz", "", "mnist/test5k-labels.idx.gz", "mnist/calib1k-images.idx.gz", "mnist/calib1k-labels.idx.gz"),
        new("digits_mlp.onnx", "digits/test_x.idx.gz", """, "scale": "1/16" """, "digits/test_y.idx.gz", "digits/train_x.idx.gz", "digits/train_y.idx.gz"),
    ];

    internal static Command Command()
    {
        Option<string> target = new("--target") { Description = "The target profile.", DefaultValueFactory = _ => TargetProfiles.CpuX64.Name };
        Command command = new("models", "Static int8 of real models: size, accuracy, latency.") { target };
        command.SetAction(parsed =>
        {
            TargetProfile profile = TargetProfiles.Find(parsed.GetRequiredValue(target)) ?? throw new ArgumentException("There is no such target.");
            Console.WriteLine($"Target {profile}, {ProcessorName.Current}");
            Console.WriteLine("| model | quantized | size | metric, samples | original | optimized | drop [95 %] | latency ratio [95 %] |");
            Console.WriteLine("|---|---|---|---|---|---|---|---|");
            string sample = Path.Combine(BenchmarkModels.Root(), "samples", "MeterReader");
            Measure(Path.Combine(sample, "Models", "digits.onnx"), Path.Combine(sample, "Data", "calibration"), Path.Combine(sample, "Data", "evaluation"), profile);
            foreach (Case entry in Cases.Where(entry => File.Exists(BenchmarkModels.Data("models", entry.Model))))
            {
                string calibration = Describe(entry, forCalibration: true);
                string evaluation = Describe(entry, forCalibration: false);
                Measure(BenchmarkModels.Data("models", entry.Model), calibration, evaluation, profile);
                File.Delete(calibration);
                File.Delete(evaluation);
            }
        });
        return command;
    }

    private static void Measure(string path, string calibrationPath, string evaluationPath, TargetProfile target)
    {
        Model model = Model.Load(path);
        using ModelSession original = ModelSession.Open(path);
        Dataset evaluation = Dataset.Open(evaluationPath, original.Inputs);
        PassContext context = new(target, Dataset.Open(calibrationPath, original.Inputs));
        new GraphSimplification().Apply(model, context);
        PassOutcome outcome = new StaticQuantization().Apply(model, context);
        byte[] bytes = model.ToBytes();
        using ModelSession optimized = ModelSession.Open(bytes);
        AccuracyResult accuracy = AccuracyComparison.Run(original, optimized, evaluation);
        LatencyResult latency = LatencyComparison.Run(original, optimized, evaluation.Read().First().Inputs, ProcessorName.Current) ?? throw new InvalidOperationException("Another process is measuring.");
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {Path.GetFileName(path)} | {(outcome.Changed ? "yes" : "no")} | {bytes.Length / (double)new FileInfo(path).Length:0.000} | {accuracy.Metric}, {accuracy.Samples} | {accuracy.Original.Value:0.0000} | {accuracy.Optimized.Value:0.0000} | {accuracy.Drop?.Value:0.0000;-0.0000;0} [{accuracy.Drop?.Low:0.0000;-0.0000;0}, {accuracy.Drop?.High:0.0000;-0.0000;0}] | {latency.Ratio.Value:0.000} [{latency.Ratio.Low:0.000}, {latency.Ratio.High:0.000}] |"));
        Console.WriteLine($"<!-- {outcome.Explanation} -->");
    }

    private static string Describe(Case entry, bool forCalibration)
    {
        bool hasOwnCalibration = entry.Calibration is not null;
        string data = BenchmarkModels.Data("datasets", forCalibration ? entry.Calibration ?? entry.Data : entry.Data);
        string? labels = forCalibration ? entry.CalibrationLabels ?? entry.Labels : entry.Labels;
        string description = entry.Description.Replace("WIDTHS", BenchmarkModels.Data("datasets", "textline_orient/widths400.idx.gz"), StringComparison.Ordinal);
        // Three tenths calibrate, the rest judges, where one set serves both.
        string split = hasOwnCalibration ? (forCalibration ? """, "limit": 256""" : "") : forCalibration ? """, "split": { "from": 0, "to": 0.3 }""" : """, "split": { "from": 0.3, "to": 1 }""";
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.json");
        File.WriteAllText(path, $$"""{ "data": "{{data}}"{{(labels is null ? "" : $", \"labels\": \"{BenchmarkModels.Data("datasets", labels)}\"")}}{{description}}{{split}} }""");
        return path;
    }
}
