using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Pruning;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Benchmarks;

/// <summary>What compressing makes of models, dense, pruned and quantized: bytes by the worker's codec and by what else the base library has, and the time to decompress at load.</summary>
internal static class CompressedSizes
{
    // The worker's: what ships, what is told in short, and its window.
    private const int ShippingQuality = 11;
    private const int QuickQuality = 5;
    private const int WindowBits = 22;

    private const int Loads = 15;

    private static readonly string[] Models = ["digits", "mnist8_cntk", "fashion_mlp_bstollnitz", "squeezenet1.0_imagenet_fp32"];

    internal static Command Command()
    {
        Option<string> only = new("--only") { Description = "A part of the names of the models to measure.", DefaultValueFactory = _ => "" };
        Command command = new("compressed-size", "Sizes of dense, pruned and quantized models compressed, and the time to decompress them.") { only };
        command.SetAction(parsed =>
        {
            Console.WriteLine($"<!-- {ProcessorName.Current} -->");
            Console.WriteLine("| model | form | bytes | Brotli 11 | of the bytes | Brotli 5 | gzip | accuracy by labels | same best class | decompressing, ms | compressing, s |");
            Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|---|");
            foreach (RealCase entry in RealCase.All(photos: null).Where(entry => Models.Contains(entry.Name) && entry.Name.Contains(parsed.GetRequiredValue(only), StringComparison.Ordinal)))
            {
                Measure(entry);
            }
        });
        return command;
    }

    private static IEnumerable<(string Name, IModelPass[] Passes)> Forms()
    {
        yield return ("dense", []);
        yield return ("50 % zeros", [Zeros(0.5)]);
        yield return ("80 % zeros", [Zeros(0.8)]);
        yield return ("int8", [new StaticQuantization()]);
        yield return ("50 % zeros, int8", [Zeros(0.5), new StaticQuantization()]);
        yield return ("80 % zeros, int8", [Zeros(0.8), new StaticQuantization()]);
    }

    /// <summary>Magnitude pruning with refit: what the build does with <c>Pruning="Magnitude"</c> and calibration data.</summary>
    private static Reconstruction Zeros(double sparsity) => new(new MagnitudePruning(sparsity, PruningScope.Global));

    private static void Measure(RealCase entry)
    {
        using ModelSession source = ModelSession.Open(entry.Path);
        (Dataset calibration, Dataset evaluation) = entry.Data(source);
        PassContext context = new(TargetProfiles.CpuX64, calibration);
        Model simplified = Model.Load(entry.Path);
        new GraphSimplification().Apply(simplified, context);
        foreach ((string name, IModelPass[] passes) in Forms())
        {
            Model model = simplified.Clone();
            foreach (IModelPass pass in passes)
            {
                PassOutcome outcome = pass.Apply(model, context);
                if (!outcome.Changed)
                {
                    Console.WriteLine($"<!-- {entry.Name}, {name}: {outcome.Explanation} -->");
                }
            }

            byte[] bytes = model.ToBytes();
            Fidelity fidelity = Fidelity.Compare(entry.Kind, simplified.ToBytes(), bytes, evaluation);
            TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
            byte[] shipped = Brotli(bytes, ShippingQuality);
            double compressing = (Process.GetCurrentProcess().TotalProcessorTime - before).TotalSeconds;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {entry.Name} | {name} | {bytes.Length:N0} | {shipped.Length:N0} | {shipped.Length / (double)bytes.Length:0.00} | {Brotli(bytes, QuickQuality).Length:N0} | {GzipLength(bytes):N0} | {fidelity.Labels} | {fidelity.SameClass} | {LoadMilliseconds(shipped, bytes):0.0} | {compressing:0.0} |"));
        }
    }

    private static byte[] Brotli(byte[] bytes, int quality)
    {
        byte[] compressed = new byte[BrotliEncoder.GetMaxCompressedLength(bytes.Length)];
        return BrotliEncoder.TryCompress(bytes, compressed, out int length, quality, WindowBits) ? compressed[..length] : throw new InvalidOperationException("Brotli wrote more than it says it ever would.");
    }

    private static long GzipLength(byte[] bytes)
    {
        using MemoryStream stream = new();
        using (GZipStream gzip = new(stream, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            gzip.Write(bytes);
        }

        return stream.Length;
    }

    /// <summary>The median of what the accessor does at load: one array, filled by the decoder, and its digest.</summary>
    private static double LoadMilliseconds(byte[] compressed, byte[] expected)
    {
        double[] times = new double[Loads];
        for (int i = 0; i < Loads; i++)
        {
            long start = Stopwatch.GetTimestamp();
            byte[] model = new byte[expected.Length];
            using (BrotliStream stream = new(new MemoryStream(compressed), CompressionMode.Decompress))
            {
                stream.ReadExactly(model);
            }

            byte[] digest = SHA256.HashData(model);
            times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            if (!digest.AsSpan().SequenceEqual(SHA256.HashData(expected)))
            {
                throw new InvalidOperationException("What was decompressed is not what was compressed.");
            }
        }

        return times.Order().ElementAt(Loads / 2);
    }
}
