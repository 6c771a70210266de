using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Pruning.Structured;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Benchmarks;

/// <summary>Structured pruning of real models to a share of their multiplications, against the same models simplified: size, fidelity, accuracy, latency.</summary>
internal static class StructuredPruningTable
{
    /// <summary>Halvings of the interval of sparsities; the share that is reached then moves by steps of kernels only.</summary>
    private const int Halvings = 6;

    private static readonly string[] Models =
    [
        "aka_resnet20_cifar10", "aka_resnet32_cifar10", "digits", "mnist8_cntk", "mobilenet_v1_0.25_224", "ultraface_RFB-320", "FastestDet", "ch_ppocr_mobile_v2.0_cls_infer",
        "magika_standard_v3_3", "squeezenet1.0_imagenet_fp32", "fashion_mlp_bstollnitz", "digits_mlp",
    ];

    internal static Command Command()
    {
        Option<double> work = new("--work") { Description = "The share of multiplications to leave.", DefaultValueFactory = _ => 0.5 };
        Option<string?> only = new("--only") { Description = "A part of the names of the models to measure." };
        Option<bool> fidelityOnly = new("--fidelity-only") { Description = "Leave latency out, as on a busy machine." };
        Option<bool> withoutSamples = new("--without-samples") { Description = "Choose channels by magnitude." };
        Command command = new("pruning", "Structured pruning of real models: work, size, fidelity, accuracy, latency.") { work, only, fidelityOnly, withoutSamples };
        command.SetAction(parsed =>
        {
            Console.WriteLine($"{ProcessorName.Current}");
            Console.WriteLine("| model | channels removed | multiplications left | size | accuracy by labels | same best class | overlap | signal to noise, dB | latency ratio, 1 thread | seconds |");
            Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|");
            foreach (RealCase entry in RealCase.All(photos: null).Where(entry => Models.Contains(entry.Name) && entry.Name.Contains(parsed.GetValue(only) ?? "", StringComparison.Ordinal)))
            {
                Measure(entry, parsed.GetValue(work), withLatency: !parsed.GetValue(fidelityOnly), withSamples: !parsed.GetValue(withoutSamples));
            }
        });
        return command;
    }

    private static void Measure(RealCase entry, double work, bool withLatency, bool withSamples)
    {
        using ModelSession source = ModelSession.Open(entry.Path);
        (Dataset calibration, Dataset evaluation) = entry.Data(source);
        PassContext context = new(TargetProfiles.CpuX64, withSamples ? calibration : null);
        Model model = Model.Load(entry.Path);
        new GraphSimplification().Apply(model, context);
        byte[] simplified = model.ToBytes();
        double whole = Multiplications(Model.Parse(simplified), calibration);
        (double low, double high) = (0, 1);
        Pruned? best = null;
        for (int i = 0; i < Halvings; i++)
        {
            double sparsity = (low + high) / 2;
            Pruned tried = Prune(simplified, sparsity, context, calibration);
            best = best is null || Math.Abs(tried.Multiplications / whole - work) < Math.Abs(best.Multiplications / whole - work) ? tried : best;
            (low, high) = tried.Multiplications / whole > work ? (sparsity, high) : (low, sparsity);
        }

        Fidelity fidelity = Fidelity.Compare(entry.Kind, simplified, best!.Model, evaluation);
        string ratio = withLatency && best.IsChanged ? RealModels.Ratio(simplified, best.Model, 1, evaluation) : "–";
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {entry.Name} | {string.Join(' ', best.Explanation.Split(' ').Take(3))} | {best.Multiplications / whole:0.00} | {best.Model.Length / (double)simplified.Length:0.00} | {fidelity.Labels} | {fidelity.SameClass} | {fidelity.Overlap} | {fidelity.SignalToNoise} | {ratio} | {best.Seconds:0.0} |"));
        Console.WriteLine($"<!-- {best.Explanation} -->");
    }

    private sealed record Pruned(byte[] Model, bool IsChanged, string Explanation, double Multiplications, double Seconds);

    private static Pruned Prune(byte[] simplified, double sparsity, PassContext context, Dataset samples)
    {
        Model model = Model.Parse(simplified);
        long start = Stopwatch.GetTimestamp();
        PassOutcome outcome = new StructuredPruning(sparsity).Apply(model, context);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return new Pruned(model.ToBytes(), outcome.Changed, outcome.Explanation, Multiplications(model, samples), seconds);
    }

    private static double Multiplications(Model model, Dataset samples) => MultiplicationCount.Of(model, samples.Read().First()) ?? 0;
}
