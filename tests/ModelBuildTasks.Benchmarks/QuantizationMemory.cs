using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Benchmarks;

/// <summary>Peak working set of a process that quantizes with few and with many samples. Promise: it does not grow.</summary>
internal static class QuantizationMemory
{
    private static readonly int[] Counts = [32, 128, 512];

    internal static Command Command()
    {
        Option<FileInfo> model = new("--model") { Description = "Quantize this model in this process, and print its peak working set in MiB." };
        Option<int> samples = new("--samples") { Description = "Number of samples." };
        Command command = new("quantization-memory", "Peak memory of static quantization by number of samples.") { model, samples };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(model) is { } file)
            {
                Quantize(file.FullName, parsed.GetValue(samples));
            }
            else
            {
                MeasureAll();
            }
        });
        return command;
    }

    private static void MeasureAll()
    {
        Console.WriteLine($"| model | {string.Join(" | ", Counts.Select(count => $"{count} samples, MiB"))} |");
        Console.WriteLine($"|---|{string.Concat(Counts.Select(_ => "---|"))}");
        foreach (string path in BenchmarkModels.Paths())
        {
            Console.WriteLine($"| {Path.GetFileName(path)} | {string.Join(" | ", Counts.Select(count => PeakOfChild(path, count)))} |");
        }
    }

    private static string PeakOfChild(string path, int count)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!, ["quantization-memory", "--model", path, "--samples", count.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardOutput = true,
        };
        using Process child = Process.Start(start)!;
        string output = child.StandardOutput.ReadToEnd().Trim();
        child.WaitForExit();
        return child.ExitCode == 0 ? output : throw new InvalidOperationException($"The measured process failed with exit code {child.ExitCode}.");
    }

    private static void Quantize(string path, int count)
    {
        Model model = Model.Load(path);
        using ModelSession session = ModelSession.Open(model);
        PassContext context = new(TargetProfiles.CpuX64, new GeneratedDataset(session.Inputs, count));
        new GraphSimplification().Apply(model, context);
        PassOutcome outcome = new StaticQuantization().Apply(model, context);
        if (!outcome.Changed)
        {
            throw new InvalidOperationException(outcome.Explanation);
        }

        using Process self = Process.GetCurrentProcess();
        Console.WriteLine(self.PeakWorkingSet64 / (1024 * 1024));
    }
}
