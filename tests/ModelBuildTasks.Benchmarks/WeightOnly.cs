using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Quantization.WeightOnly;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Benchmarks;

/// <summary>
/// Weight-only quantization of a transformer of BERT-base's size with realistic weights and inputs: time, peak memory, bytes, latency at
/// sequences of 1 and 128. Promises: round-to-nearest takes at most three times reading, hashing and writing the file; GPTQ at most 4 minutes.
/// </summary>
internal static class WeightOnly
{
    private const int Samples = 128;
    private const int SessionSamples = 8;
    private const int Sequence = 128;
    private const int Vocabulary = 30522;
    private const double MiB = 1 << 20;

    /// <summary>The model in a session that runs a few samples side by side: what GPTQ cannot do without.</summary>
    private const string FloatSession = "float session";

    private static readonly (string Name, BlockFormat Format, WeightOnlyAlgorithm Algorithm)[] Variants =
    [
        ("8 bits, rounding", new BlockFormat(8, 32, IsSymmetric: true), WeightOnlyAlgorithm.RoundToNearest),
        ("4 bits, rounding", new BlockFormat(4, 32, IsSymmetric: false), WeightOnlyAlgorithm.RoundToNearest),
        ("4 bits, blocks of 128, rounding", new BlockFormat(4, 128, IsSymmetric: false), WeightOnlyAlgorithm.RoundToNearest),
        ("4 bits, HQQ", new BlockFormat(4, 32, IsSymmetric: false), WeightOnlyAlgorithm.HalfQuadratic),
        ("4 bits, scale search", new BlockFormat(4, 32, IsSymmetric: false), WeightOnlyAlgorithm.ScaleSearch),
        ("4 bits, GPTQ", new BlockFormat(4, 32, IsSymmetric: false), WeightOnlyAlgorithm.Gptq),
        ("4 bits, AWQ and GPTQ", new BlockFormat(4, 32, IsSymmetric: false), WeightOnlyAlgorithm.Auto),
        ("2 bits, GPTQ", new BlockFormat(2, 32, IsSymmetric: false), WeightOnlyAlgorithm.Gptq),
        ("signs, GPTQ", BlockFormat.Binary(32), WeightOnlyAlgorithm.Gptq),
    ];

    internal static Command Command()
    {
        Option<FileInfo> model = new("--model") { Description = "Quantize this model in this process, and print seconds and peak private memory." };
        Option<string> variant = new("--variant") { Description = "The one to measure, or to quantize a given model with." };
        Command command = new("weight-only", "Weight-only quantization of a transformer: time, memory, bytes, latency.") { model, variant };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(model) is { } file)
            {
                Quantize(file.FullName, parsed.GetRequiredValue(variant));
            }
            else
            {
                MeasureAll(parsed.GetValue(variant));
            }
        });
        command.Add(WeightOnlyErrors.Command());
        command.Add(WeightOnlyModels.Command());
        return command;
    }

    private static void MeasureAll(string? only)
    {
        string folder = Directory.CreateTempSubdirectory("modelbuild-weights-").FullName;
        try
        {
            string path = Path.Combine(folder, "transformer.onnx");
            TransformerModel.Create(isRealistic: true).Save(path);
            (double floor, double floorOfProcessor) = Floor(path);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{new FileInfo(path).Length / MiB:0} MiB; reading, hashing and writing take {floor:0.00} s, {floorOfProcessor:0.00} s of one core; {Samples} samples of {Sequence} tokens; {ProcessorName.Current}"));
            Console.WriteLine("| weights | MiB | seconds | core seconds | of reading, hashing, writing | peak of private memory, MiB | latency ratio, 1 token | latency ratio, 128 tokens |");
            Console.WriteLine("|---|---|---|---|---|---|---|---|");
            using ModelSession original = ModelSession.Open(path);
            string[] session = Child(path, FloatSession).Split(' ');
            Console.WriteLine($"| {FloatSession} | – | {session[0]} | {session[2]} | – | {session[1]} | – | – |");
            foreach ((string name, _, _) in Variants.Where(variant => only is null || variant.Name == only))
            {
                string[] found = Child(path, name).Split(' ');
                double seconds = double.Parse(found[0], CultureInfo.InvariantCulture);
                string output = path + ".packed";
                string latencies;
                using (ModelSession packed = ModelSession.Open(output))
                {
                    latencies = string.Join(" | ", new[] { 1, Sequence }.Select(length => Ratio(original, packed, length)));
                }

                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {new FileInfo(output).Length / MiB:0} | {seconds:0.0} | {found[2]} | {seconds / floor:0.0} | {found[1]} | {latencies} |"));
                File.Delete(output);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Seconds that reading, hashing (SHA-256) and writing the file take, on the clock and of a core, the best of three.</summary>
    private static (double Seconds, double OfProcessor) Floor(string path)
    {
        double best = double.PositiveInfinity;
        double bestOfProcessor = double.PositiveInfinity;
        for (int round = 0; round < 3; round++)
        {
            long start = Stopwatch.GetTimestamp();
            TimeSpan before = Environment.CpuUsage.TotalTime;
            using (FileStream source = File.OpenRead(path))
            using (FileStream copy = File.Create(path + ".copy"))
            using (IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256))
            {
                byte[] buffer = new byte[1 << 20];
                for (int read; (read = source.Read(buffer)) > 0;)
                {
                    hash.AppendData(buffer, 0, read);
                    copy.Write(buffer, 0, read);
                }
            }

            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
            bestOfProcessor = Math.Min(bestOfProcessor, (Environment.CpuUsage.TotalTime - before).TotalSeconds);
            File.Delete(path + ".copy");
        }

        return (best, bestOfProcessor);
    }

    private static string Ratio(ModelSession original, ModelSession packed, int length)
    {
        Sample sample = new TokenDataset(1, length, Vocabulary, seed: 3).Read().First();
        LatencyResult? latency = LatencyComparison.Run(original, packed, sample.Inputs, ProcessorName.Current);
        return latency is null ? "another process measures" : string.Create(CultureInfo.InvariantCulture, $"{latency.Ratio.Value:0.00} [{latency.Ratio.Low:0.00}, {latency.Ratio.High:0.00}]");
    }

    private static string Child(string path, string variant)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!, ["weight-only", "--model", path, "--variant", variant]) { RedirectStandardOutput = true };
        using Process child = Process.Start(start)!;
        string output = child.StandardOutput.ReadToEnd().Trim();
        child.WaitForExit();
        return child.ExitCode == 0 ? output : throw new InvalidOperationException($"The measured process failed with exit code {child.ExitCode}.");
    }

    private static void Quantize(string path, string variant)
    {
        if (variant == FloatSession)
        {
            Report(() =>
            {
                using ModelSession session = ModelSession.Open(Model.Load(path));
                Parallel.ForEach(new TokenDataset(SessionSamples, Sequence, Vocabulary, seed: 1).Read(), sample => session.RunBorrowed(sample.Inputs).Dispose());
            });
            return;
        }

        (_, BlockFormat format, WeightOnlyAlgorithm algorithm) = Variants.Single(entry => entry.Name == variant);
        Report(() =>
        {
            Model model = Model.Load(path);
            Dataset? samples = algorithm is WeightOnlyAlgorithm.Gptq or WeightOnlyAlgorithm.Auto ? new TokenDataset(Samples, Sequence, Vocabulary, seed: 1) : null;
            PassOutcome outcome = new WeightOnlyQuantization(format, algorithm).Apply(model, new PassContext(TargetProfiles.CpuX64, samples));
            if (!outcome.Changed)
            {
                throw new InvalidOperationException(outcome.Explanation);
            }

            model.Save(path + ".packed");
        });
    }

    private static void Report(Action work)
    {
        double seconds = 0;
        long peak = PrivateMemory.PeakDuring(() =>
        {
            long start = Stopwatch.GetTimestamp();
            work();
            seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        });
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{seconds:0.000} {peak / MiB:0} {Environment.CpuUsage.TotalTime.TotalSeconds:0.0}"));
    }
}
