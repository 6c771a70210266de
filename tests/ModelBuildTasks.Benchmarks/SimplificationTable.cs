using System.CommandLine;
using System.Diagnostics;
using System.Security.Cryptography;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Benchmarks;

/// <summary>
/// What simplification does to every model of <c>MODELBUILD_DATA</c>: nodes of all graphs, bytes, float latency, and the time to
/// load, simplify and save against its floor, reading, hashing and writing the file. Promise: at most three times the floor and 0.3 s.
/// </summary>
internal static class SimplificationTable
{
    private const int Rounds = 5;
    private const string Generated = "transformer.onnx";

    /// <summary>What the best of OnnxSlim, onnxscript and ONNX Runtime's basic level left (docs/BENCHMARKS.md says how that was measured).</summary>
    private static readonly Dictionary<string, int> BestPeers = new()
    {
        ["silero_vad.onnx"] = 116,
        ["ch_ppocr_mobile_v2.0_cls_infer.onnx"] = 126,
        ["ultraface_RFB-320.onnx"] = 125,
        ["mobilenet_v1_0.25_224.onnx"] = 58,
    };

    internal static Command Command()
    {
        Option<string> only = new("--only") { Description = $"Only models whose file names contain this; the generated one of 434 MB is {Generated}.", DefaultValueFactory = _ => "" };
        Command command = new("simplification", "Simplification of real models: nodes, bytes, latency, cost.") { only };
        command.SetAction(parsed =>
        {
            Console.WriteLine($"<!-- {ProcessorName.Current} -->");
            Console.WriteLine("| model | nodes | without constants | best peer | bytes | latency ratio [95 %] | floor, s | all, s | simplification alone, s |");
            Console.WriteLine("|---|---|---|---|---|---|---|---|---|");
            DirectoryInfo folder = Directory.CreateTempSubdirectory("modelbuild-benchmark-");
            try
            {
                string models = BenchmarkModels.Data("models", "");
                string wanted = parsed.GetRequiredValue(only);
                string[] real = Directory.Exists(models) ? Directory.GetFiles(models, $"*{wanted}*.onnx") : [];
                foreach (string path in real.Order(StringComparer.Ordinal))
                {
                    Console.WriteLine(Measure(path, Path.Combine(folder.FullName, "simplified.onnx"), isTimed: true));
                }

                if (Generated.Contains(wanted, StringComparison.Ordinal))
                {
                    string generated = Path.Combine(folder.FullName, Generated);
                    TransformerModel.Create().Save(generated);
                    Console.WriteLine(Measure(generated, Path.Combine(folder.FullName, "simplified.onnx"), isTimed: false));
                }
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        });
        return command;
    }

    private static string Measure(string path, string simplified, bool isTimed)
    {
        (double floor, double all, double alone) = Cost(path, simplified);
        Model before = Model.Load(path);
        Model after = Model.Load(simplified);
        string name = Path.GetFileName(path);
        string peer = BestPeers.TryGetValue(name, out int best) ? $"{best}" : "–";
        string latency = isTimed ? Latency(path, simplified) : "–";
        return FormattableString.Invariant(
            $"| {name} | {Nodes(before).Count()} → {Nodes(after).Count()} | {Operators(before)} → {Operators(after)} | {peer} | {new FileInfo(path).Length} → {new FileInfo(simplified).Length} | {latency} | {floor:0.000} | {all:0.000} | {alone:0.000} |");
    }

    /// <summary>The least of interleaved rounds, the first not counted: what other work on the machine adds is no part of it.</summary>
    private static (double Floor, double All, double Alone) Cost(string path, string simplified)
    {
        double[] floor = new double[Rounds];
        double[] all = new double[Rounds];
        double[] alone = new double[Rounds];
        for (int round = -1; round < Rounds; round++)
        {
            int i = Math.Max(round, 0);
            floor[i] = Seconds(() =>
            {
                byte[] bytes = File.ReadAllBytes(path);
                SHA256.HashData(bytes);
                File.WriteAllBytes(simplified, bytes);
            });
            all[i] = Seconds(() =>
            {
                Model model = Model.Load(path);
                alone[i] = Seconds(() => new GraphSimplification().Apply(model, new PassContext(TargetProfiles.CpuX64)));
                model.Save(simplified);
            });
        }

        return (floor.Min(), all.Min(), alone.Min());
    }

    private static string Latency(string path, string simplified)
    {
        using ModelSession before = ModelSession.Open(path);
        using ModelSession after = ModelSession.Open(simplified);
        IReadOnlyList<Tensor> inputs;
        try
        {
            inputs = new GeneratedDataset(before.Inputs, 1).Read().First().Inputs;
            before.RunBorrowed(inputs).Dispose();
        }
        catch (Exception exception) when (exception is InferenceException or NotSupportedException)
        {
            return "needs real inputs";
        }

        LatencyResult result = LatencyComparison.Run(before, after, inputs, ProcessorName.Current) ?? throw new InvalidOperationException("Another process is measuring.");
        return FormattableString.Invariant($"{result.Ratio.Value:0.00} [{result.Ratio.Low:0.00}, {result.Ratio.High:0.00}]");
    }

    private static int Operators(Model model) => Nodes(model).Count(node => node.OpType != "Constant");

    private static IEnumerable<Node> Nodes(Model model) => model.Graph.WithSubgraphs().SelectMany(graph => graph.Nodes);

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
