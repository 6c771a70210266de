using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Benchmarks;

/// <summary>Weights of 4 bits stored in int8 and in int4: bytes, time to load, time of a run, and whether the outputs are the same bits.</summary>
internal static class Int4StorageCost
{
    private const int Rounds = 41;

    internal static Command Command()
    {
        Command command = new("storage", "4-bit weights stored as int8 and as int4: size, load, latency.");
        command.SetAction(_ =>
        {
            Console.WriteLine("| model | KiB as int8 | KiB as int4 | load, ms | latency, ms | same outputs |");
            Console.WriteLine("|---|---|---|---|---|---|");
            foreach (RealCase entry in RealCase.All(photos: null).Where(entry => entry.Kind == OutputKind.Classes))
            {
                Measure(entry);
            }
        });
        return command;
    }

    private static void Measure(RealCase entry)
    {
        Model model = Model.Load(entry.Path);
        using ModelSession source = ModelSession.Open(model);
        Dataset calibration = entry.Data(source).Calibration.Take(16);
        PassContext context = new(TargetProfiles.CpuX64, calibration);
        new GraphSimplification().Apply(model, context);
        if (!new StaticQuantization { WeightBits = 4, StaysInIntegers = true }.Apply(model, context).Changed)
        {
            return;
        }

        byte[] wide = model.ToBytes();
        if (new Int4Storage().Apply(model, context) is { Changed: false } refused)
        {
            Console.WriteLine($"<!-- {entry.Name}: {refused.Explanation} -->");
            return;
        }

        byte[] narrow = model.ToBytes();
        IReadOnlyList<Tensor> sample = calibration.Read().First().Inputs;
        using ModelSession first = ModelSession.Open(wide), second = ModelSession.Open(narrow);
        bool isSame = first.Run(sample).Zip(second.Run(sample)).All(pair => pair.First.Data.Span.SequenceEqual(pair.Second.Data.Span));
        (double loadWide, double loadNarrow) = Medians(() => ModelSession.Open(wide).Dispose(), () => ModelSession.Open(narrow).Dispose());
        (double runWide, double runNarrow) = Medians(() => first.Run(sample), () => second.Run(sample));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {entry.Name} | {wide.Length / 1024.0:0} | {narrow.Length / 1024.0:0} | {loadWide:0.0} → {loadNarrow:0.0} | {runWide:0.00} → {runNarrow:0.00} | {(isSame ? "yes" : "no")} |"));
    }

    /// <summary>Milliseconds of both, taken in turn.</summary>
    private static (double First, double Second) Medians(Action first, Action second)
    {
        double[] one = new double[Rounds], other = new double[Rounds];
        for (int i = 0; i < Rounds; i++)
        {
            one[i] = Time(first);
            other[i] = Time(second);
        }

        Array.Sort(one);
        Array.Sort(other);
        return (one[Rounds / 2], other[Rounds / 2]);
    }

    private static double Time(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }
}
