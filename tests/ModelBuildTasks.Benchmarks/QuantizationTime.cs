using System.CommandLine;
using System.Diagnostics;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Benchmarks;

/// <summary>
/// Time of static quantization against its floor, the float inferences of the calibration samples alone, on the same cores and
/// alternating with it. Promise: at most 1.5 times the floor and half a second, where nothing has to be recovered.
/// </summary>
internal static class QuantizationTime
{
    private const int Samples = 128;
    private const int Rounds = 5;

    internal static Command Command()
    {
        Command command = new("quantization-time", $"Static quantization with {Samples} samples against {Samples} float inferences.");
        command.SetAction(_ =>
        {
            Console.WriteLine("| model | float inferences, s | quantization, s | of the floor |");
            Console.WriteLine("|---|---|---|---|");
            foreach (string path in BenchmarkModels.Paths())
            {
                Console.WriteLine(Measure(path));
            }
        });
        return command;
    }

    private static string Measure(string path)
    {
        Model model = Model.Load(path);
        using ModelSession session = ModelSession.Open(model);
        GeneratedDataset data = new(session.Inputs, Samples);
        Sample[] samples = [.. data.Read()];
        PassContext context = new(TargetProfiles.CpuX64, data);
        new GraphSimplification().Apply(model, context);
        double[] floor = new double[Rounds];
        double[] quantization = new double[Rounds];
        for (int round = -1; round < Rounds; round++)
        {
            double inferences = Seconds(() => Parallel.ForEach(samples, sample => session.RunBorrowed(sample.Inputs).Dispose()));
            Model copy = model.Clone();
            double pass = Seconds(() => new StaticQuantization().Apply(copy, context));
            if (round >= 0)
            {
                (floor[round], quantization[round]) = (inferences, pass);
            }
        }

        double least = Median(floor);
        double found = Median(quantization);
        return FormattableString.Invariant($"| {Path.GetFileName(path)} | {least:0.000} | {found:0.000} | {found / least:0.00}x |");
    }

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);
}
