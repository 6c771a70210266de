using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Equalization;
using ModelBuildTasks.Optimization.Quantization.Smoothing;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Training;
using ModelBuildTasks.Optimization.Training.FakeQuantized;

namespace ModelBuildTasks.Benchmarks;

/// <summary>
/// Quantization-aware training of classifiers with integers of 8 and 4 bits: accuracy and the share of answers that are the original's, before and after, by samples that nothing was learned from.
/// Promises: MeterReader with 4-bit weights within 1 point of the original; MobileNet in 8 bits gives at least 97 % of the original's answers.
/// </summary>
internal static class QuantizationTraining
{
    internal static Command Command()
    {
        Option<string> only = new("--only") { Description = "A part of the names of the models to measure.", DefaultValueFactory = _ => "digits" };
        Option<int[]> bits = new("--bits") { Description = "Bits of weights.", DefaultValueFactory = _ => [4, 8], AllowMultipleArgumentsPerToken = true };
        Option<int> steps = new("--steps") { Description = "Steps of training.", DefaultValueFactory = _ => 3000 };
        Option<int> batch = new("--batch") { Description = "Samples of a step.", DefaultValueFactory = _ => 32 };
        Option<float> rate = new("--rate") { Description = "Highest learning rate.", DefaultValueFactory = _ => 1e-3f };
        Option<int> drawn = new("--drawn") { Description = "Digits to draw for training beside the calibration images; 0 for none.", DefaultValueFactory = _ => 0 };
        Option<string[]> parts = new("--methods") { Description = "Of: none, all, weights.", DefaultValueFactory = _ => ["none", "all", "weights"], AllowMultipleArgumentsPerToken = true };
        Option<bool> integers = new("--all-integers") { Description = "Start from all layers in integers, too, as a search does." };
        Option<bool> labels = new("--labels") { Description = "Learn from labels, too, as a build does where calibration data has some." };
        Option<double> held = new("--held-out") { Description = "Share of the samples that tell which weights are best.", DefaultValueFactory = _ => 0.1 };
        Option<int?> limit = new("--limit") { Description = "Seconds that a training may take, as ModelOptimizationTimeout gives it: it has fewer steps then." };
        Option<string> strict = new("--judged-by") { Description = "Photographs whose names begin so judge, all others calibrate and train (comma between them).", DefaultValueFactory = _ => "" };
        Command command = new("qat", "Quantization-aware training: accuracy and fidelity before and after.") { only, bits, steps, batch, rate, drawn, parts, integers, labels, held, limit, strict };
        command.SetAction(parsed =>
        {
            Console.WriteLine($"<!-- {ProcessorName.Current} -->");
            Console.WriteLine("| model | weights | trained | on | accuracy by labels | same best class | signal to noise, dB | seconds | KiB |");
            Console.WriteLine("|---|---|---|---|---|---|---|---|---|");
            TrainingPlan plan = new() { DefaultSteps = parsed.GetRequiredValue(steps), BatchSize = parsed.GetRequiredValue(batch), LearningRate = parsed.GetRequiredValue(rate), HeldOut = parsed.GetRequiredValue(held), Limit = parsed.GetValue(limit) is { } seconds ? TimeSpan.FromSeconds(seconds) : null };
            foreach (RealCase entry in RealCase.All(photos: null).Where(entry => entry.Kind == OutputKind.Classes && entry.Name.Contains(parsed.GetRequiredValue(only), StringComparison.Ordinal)))
            {
                Measure(entry, parsed.GetRequiredValue(bits), plan, parsed.GetRequiredValue(drawn), parsed.GetRequiredValue(parts), parsed.GetValue(integers), parsed.GetValue(labels), parsed.GetRequiredValue(strict));
            }
        });
        command.Add(Int4StorageCost.Command());
        return command;
    }

    private static void Measure(RealCase entry, int[] bits, TrainingPlan plan, int drawn, string[] methods, bool triesAllIntegers, bool learnsLabels, string judgedBy)
    {
        Model source = Model.Load(entry.Path);
        using ModelSession session = ModelSession.Open(source);
        (Dataset calibration, Dataset evaluation) = judgedBy.Length > 0 ? PhotoParts.Of(entry, session, judgedBy.Split(',')) : entry.Data(session);
        PassContext context = new(TargetProfiles.CpuX64, calibration);
        Model prepared = source.Clone();
        new GraphSimplification().Apply(prepared, context);
        new CrossLayerEqualization().Apply(prepared, context);
        new SmoothQuant().Apply(prepared, context);
        Dataset[] sets = [learnsLabels ? calibration : new Unlabelled(calibration), .. drawn > 0 ? new Dataset[] { new DrawnDigits(drawn) } : []];
        foreach (int width in bits)
        {
            foreach (bool staysInIntegers in triesAllIntegers ? (bool[])[false, true] : [false])
            {
                // As a recipe does it: of so few codes it is learned which one is taken.
                StaticQuantization quantization = new() { WeightBits = width, LearnsRounding = width == 4, StaysInIntegers = staysInIntegers };
                Model quantized = prepared.Clone();
                PassOutcome outcome = quantization.Apply(quantized, context);
                if (!outcome.Changed)
                {
                    Console.WriteLine($"<!-- {entry.Name}: {outcome.Explanation} -->");
                    return;
                }

                string form = staysInIntegers ? ", all in integers" : "";
                if (methods.Contains("none"))
                {
                    Report(entry, width, "no" + form, "", source, quantized, evaluation, 0);
                }

                foreach ((Dataset data, string method) in sets.SelectMany(data => methods.Where(method => method != "none").Select(method => (data, method))))
                {
                    Model trained = quantized.Clone();
                    QuantizationAwareTraining training = new(source, data, plan) { IsClassifier = true, HasFixedScales = method == "weights" };
                    long start = Stopwatch.GetTimestamp();
                    outcome = training.Apply(trained, context with { Training = new Reporter() });
                    double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
                    Console.WriteLine($"<!-- {outcome.Explanation} {string.Join(" ", outcome.Refusals)} -->");
                    Report(entry, width, (method == "weights" ? "weights" : "weights and scales") + form, $"{data.Count} {(data is DrawnDigits ? "drawn" : "of calibration")}", source, trained, evaluation, seconds);
                }
            }
        }
    }

    private static void Report(RealCase entry, int bits, string trained, string data, Model source, Model quantized, Dataset evaluation, double seconds)
    {
        byte[] bytes = quantized.ToBytes();
        Fidelity fidelity = Fidelity.Compare(entry.Kind, source.ToBytes(), bytes, evaluation);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {entry.Name} | int{bits} | {trained} | {data} | {fidelity.Labels} | {fidelity.SameClass} | {fidelity.SignalToNoise} | {seconds:0} | {bytes.Length / 1024.0:0} |"));
    }

    private sealed class Reporter : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) =>
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{value.Share:P0}: loss {value.Loss:G4}, {value.Left.TotalSeconds:0} s to go"));
    }
}

/// <summary>The same samples without their labels.</summary>
internal sealed class Unlabelled(Dataset labelled) : Dataset
{
    public override string Path => labelled.Path;

    public override int Count => labelled.Count;

    public override bool HasLabels => false;

    public override IEnumerable<Sample> Read() => labelled.Read().Select(sample => sample with { Label = null });
}
