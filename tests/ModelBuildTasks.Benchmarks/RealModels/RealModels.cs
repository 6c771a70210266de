using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Numerics.Tensors;
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
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Benchmarks;

/// <summary>Static int8 quantization of real models on real data against the same models simplified in float: size, fidelity, accuracy, latency.</summary>
internal static class RealModels
{
    private static readonly int[] ThreadCounts = [1, 2];

    internal static Command Command()
    {
        Option<string> target = new("--target") { Description = "The target profile.", DefaultValueFactory = _ => TargetProfiles.CpuX64.Name };
        Option<string?> only = new("--only") { Description = "A part of the names of the models to measure." };
        Option<bool> fidelityOnly = new("--fidelity-only") { Description = "Leave latency out, as on a busy machine." };
        Option<DirectoryInfo?> photos = new("--photos") { Description = "A folder of photographs for the image models, in place of those of MODELBUILD_DATA." };
        Command command = new("models", "Static int8 of real models: size, fidelity, accuracy, latency.") { target, only, photos, fidelityOnly };
        command.SetAction(parsed =>
        {
            TargetProfile profile = TargetProfiles.Find(parsed.GetRequiredValue(target)) ?? throw new ArgumentException("There is no such target.");
            Console.WriteLine($"Target {profile}, {ProcessorName.Current}");
            Console.WriteLine("| model | layers in integers | size | accuracy by labels | same best class | overlap | signal to noise, dB | latency ratio, 1 thread | 2 threads | seconds |");
            Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|");
            foreach (RealCase entry in RealCase.All(parsed.GetValue(photos)?.FullName).Where(entry => entry.Name.Contains(parsed.GetValue(only) ?? "", StringComparison.Ordinal)))
            {
                Measure(entry, profile, withLatency: !parsed.GetValue(fidelityOnly));
            }
        });
        return command;
    }

    private static void Measure(RealCase entry, TargetProfile target, bool withLatency)
    {
        using ModelSession source = ModelSession.Open(entry.Path);
        (Dataset calibration, Dataset evaluation) = entry.Data(source);
        PassContext context = new(target, calibration);
        Model model = Model.Load(entry.Path);
        new GraphSimplification().Apply(model, context);
        byte[] simplified = model.ToBytes();
        long start = Stopwatch.GetTimestamp();
        PassOutcome equalized = new CrossLayerEqualization().Apply(model, context);
        PassOutcome smoothed = new SmoothQuant().Apply(model, context);
        PassOutcome outcome = new StaticQuantization().Apply(model, context);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        byte[] quantized = outcome.Changed ? model.ToBytes() : simplified;
        Fidelity fidelity = Compare(entry.Kind, simplified, quantized, evaluation);
        string[] ratios = [.. ThreadCounts.Select(threads => withLatency ? Ratio(simplified, quantized, threads, evaluation) : "–")];
        string layers = outcome.Changed ? string.Join(' ', outcome.Explanation.Split(' ').Take(3)) : "none";
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {entry.Name} | {layers} | {quantized.Length / (double)simplified.Length:0.000} | {fidelity.Labels} | {fidelity.SameClass} | {fidelity.Overlap} | {fidelity.SignalToNoise} | {string.Join(" | ", ratios)} | {seconds:0.00} |"));
        Console.WriteLine($"<!-- {equalized.Explanation} {smoothed.Explanation} -->");
        if (!outcome.Changed)
        {
            Console.WriteLine($"<!-- {outcome.Explanation} -->");
        }
    }

    internal sealed record Fidelity(string Labels, string SameClass, string Overlap, string SignalToNoise);

    internal static Fidelity Compare(OutputKind kind, byte[] simplified, byte[] quantized, Dataset evaluation)
    {
        using ModelSession original = ModelSession.Open(simplified, new SessionSettings(Environment.ProcessorCount));
        using ModelSession optimized = ModelSession.Open(quantized, new SessionSettings(Environment.ProcessorCount));
        int samples = 0, same = 0, originalHits = 0, optimizedHits = 0;
        DetectionOverlap overlap = new();
        (double Signal, double Noise)[] energies = new (double, double)[original.Outputs.Count];
        foreach (Sample sample in evaluation.Read())
        {
            IReadOnlyList<Tensor> expected = original.Run(sample.Inputs);
            IReadOnlyList<Tensor> actual = optimized.Run(sample.Inputs);
            samples++;
            for (int i = 0; i < expected.Count; i++)
            {
                float[] reference = expected[i].ToSingles();
                energies[i].Signal += TensorPrimitives.SumOfSquares(reference);
                energies[i].Noise += reference.Zip(actual[i].ToSingles(), (x, y) => ((double)x - y) * (x - y)).Sum();
            }

            if (kind == OutputKind.Boxes)
            {
                overlap.Add(expected, actual);
            }
            else if (kind == OutputKind.Classes)
            {
                (int first, int second) = (Best(expected[0]), Best(actual[0]));
                same += first == second ? 1 : 0;
                if (sample.Label is { } label)
                {
                    int truth = (int)label.ToSingles()[0];
                    originalHits += first == truth ? 1 : 0;
                    optimizedHits += second == truth ? 1 : 0;
                }
            }
        }

        double decibels = energies.Min(energy => 10 * Math.Log10(energy.Signal / energy.Noise));
        return new Fidelity(
            evaluation.HasLabels ? Text($"{originalHits / (double)samples:0.0000} → {optimizedHits / (double)samples:0.0000}") : "–",
            kind == OutputKind.Classes ? Text($"{same / (double)samples:0.000}") : "–",
            kind == OutputKind.Boxes ? Text($"{overlap.Value:0.000}") : "–",
            Text($"{decibels:0.0}"));
    }

    private static int Best(Tensor scores) => TensorPrimitives.IndexOfMax(scores.Span<float>());

    private static string Ratio(byte[] simplified, byte[] quantized, int threads, Dataset evaluation)
    {
        using ModelSession original = ModelSession.Open(simplified, new SessionSettings(threads));
        using ModelSession optimized = ModelSession.Open(quantized, new SessionSettings(threads));
        LatencyResult result = LatencyComparison.Run(original, optimized, evaluation.Read().First().Inputs, ProcessorName.Current, threads)
            ?? throw new InvalidOperationException("Another process is measuring.");
        return Text($"{result.Ratio.Value:0.000} [{result.Ratio.Low:0.000}, {result.Ratio.High:0.000}]");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
