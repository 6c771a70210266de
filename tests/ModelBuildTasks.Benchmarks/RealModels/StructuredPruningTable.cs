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

    /// <summary>Samples that a refit looks at, at most.</summary>
    private const int CalibrationSamples = 256;

    private static readonly string[] Models =
    [
        "aka_resnet20_cifar10", "aka_resnet32_cifar10", "digits", "mnist8_cntk", "mobilenet_v1_0.25_224", "ultraface_RFB-320", "FastestDet", "ch_ppocr_mobile_v2.0_cls_infer",
        "ch_PP-OCRv3_det_infer", "magika_standard_v3_3", "squeezenet1.0_imagenet_fp32", "fashion_mlp_bstollnitz", "digits_mlp",
    ];

    internal static Command Command()
    {
        Option<double> work = new("--work") { Description = "The share of multiplications to leave.", DefaultValueFactory = _ => 0.5 };
        Option<string?> only = new("--only") { Description = "A part of the names of the models to measure." };
        Option<bool> fidelityOnly = new("--fidelity-only") { Description = "Leave latency out, as on a busy machine." };
        Option<bool> withoutSamples = new("--without-samples") { Description = "Choose channels by magnitude." };
        Option<bool> bySlopes = new("--by-slopes") { Description = "Choose channels by first-order terms." };
        Option<bool> withoutRefit = new("--without-refit") { Description = "Leave what is left as it is." };
        Command command = new("pruning", "Structured pruning of real models: work, size, fidelity, accuracy, latency.") { work, only, fidelityOnly, withoutSamples, bySlopes, withoutRefit };
        command.SetAction(parsed =>
        {
            Console.WriteLine($"{ProcessorName.Current}");
            Console.WriteLine("| model | channels removed | multiplications left | size | accuracy by labels | same best class | overlap | signal to noise, dB | latency ratio, 1 thread | seconds (of a core) | float inferences of the samples, seconds |");
            Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|---|");
            foreach (RealCase entry in RealCase.All(photos: null).Where(entry => Models.Contains(entry.Name) && entry.Name.Contains(parsed.GetValue(only) ?? "", StringComparison.Ordinal)))
            {
                ChannelImportance importance = parsed.GetValue(bySlopes) ? ChannelImportance.Taylor : ChannelImportance.Reconstruction;
                Measure(entry, parsed.GetValue(work), importance, withLatency: !parsed.GetValue(fidelityOnly), withSamples: !parsed.GetValue(withoutSamples), withRefit: !parsed.GetValue(withoutRefit));
            }
        });
        return command;
    }

    private static void Measure(RealCase entry, double work, ChannelImportance importance, bool withLatency, bool withSamples, bool withRefit)
    {
        using ModelSession source = ModelSession.Open(entry.Path);
        (Dataset calibration, Dataset evaluation) = entry.Data(source);
        PassContext context = new(TargetProfiles.CpuX64, withSamples ? calibration : null);
        Model model = Model.Load(entry.Path);
        new GraphSimplification().Apply(model, context);
        byte[] simplified = model.ToBytes();
        if (Sparsity(simplified, work, context, calibration, out string? reason, importance) is not { } sparsity)
        {
            Console.WriteLine($"| {entry.Name} | none: {reason} | 1 |");
            return;
        }

        double inferences = InferenceSeconds(simplified, calibration.Take(CalibrationSamples));
        long start = Stopwatch.GetTimestamp();
        TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
        PassOutcome outcome = importance == ChannelImportance.Reconstruction && withRefit ? new StructuredPruning(sparsity).Apply(model, context) : Pruned(model, sparsity, context, importance, withRefit);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        double processor = (Process.GetCurrentProcess().TotalProcessorTime - before).TotalSeconds;
        byte[] pruned = model.ToBytes();
        double left = Multiplications(model, calibration) / Multiplications(Model.Parse(simplified), calibration);
        Fidelity fidelity = Fidelity.Compare(entry.Kind, simplified, pruned, evaluation);
        string ratio = withLatency && outcome.Changed ? RealModels.Ratio(simplified, pruned, 1, evaluation) : "–";
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {entry.Name} | {string.Join(' ', outcome.Explanation.Split(' ').Take(3))} | {left:0.00} | {pruned.Length / (double)simplified.Length:0.00} | {fidelity.Labels} | {fidelity.SameClass} | {fidelity.Overlap} | {fidelity.SignalToNoise} | {ratio} | {seconds:0.0} ({processor:0.0}) | {inferences:0.00} |"));
        Console.WriteLine($"<!-- {outcome.Explanation} -->");
    }

    private static PassOutcome Pruned(Model model, double sparsity, PassContext context, ChannelImportance importance, bool withRefit)
    {
        new DeadChannels(null).Apply(model, context);
        RemovalPlan plan = RemovalPlan.Of(model, null, context, [], out _, importance)!;
        (Model pruned, string explanation) = plan.Apply(plan.Choose(sparsity, context.CancellationToken), withRefit ? context : context with { Calibration = null }, []);
        model.Restore(pruned.TakeSnapshot());
        return PassOutcome.Applied(explanation);
    }

    /// <summary>The share of the channels whose removal leaves most nearly a share of the multiplications, the least where several do; null where no channel can go.</summary>
    internal static double? Sparsity(
        byte[] simplified, double work, PassContext context, Dataset samples, out string? reason, ChannelImportance importance = ChannelImportance.Reconstruction)
    {
        Model model = Model.Parse(simplified);
        double whole = Multiplications(model, samples);
        new DeadChannels(null).Apply(model, context);
        if (RemovalPlan.Of(model, null, context, [], out reason, importance) is not { } plan)
        {
            return null;
        }

        (double low, double high) = (0, 1);
        (double Sparsity, double Distance)? best = null;
        for (int i = 0; i < Halvings; i++)
        {
            double sparsity = (low + high) / 2;
            (Model pruned, _) = plan.Apply(plan.Choose(sparsity, context.CancellationToken), context with { Calibration = null }, []);
            double left = Multiplications(pruned, samples) / whole;
            best = best is null || Math.Abs(left - work) < best.Value.Distance ? (sparsity, Math.Abs(left - work)) : best;
            (low, high) = left > work ? (sparsity, high) : (low, sparsity);
        }

        return best!.Value.Sparsity;
    }

    /// <summary>The time that the model alone takes for samples, on all cores, without reading these.</summary>
    private static double InferenceSeconds(byte[] model, Dataset samples)
    {
        using ModelSession session = ModelSession.Open(model, new SessionSettings(Environment.ProcessorCount));
        double seconds = 0;
        foreach (Sample sample in samples.Read())
        {
            long start = Stopwatch.GetTimestamp();
            session.Run(sample.Inputs);
            seconds += Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        return seconds;
    }

    internal static double Multiplications(Model model, Dataset samples) => MultiplicationCount.Of(model, samples.Read().First()) ?? 0;
}
