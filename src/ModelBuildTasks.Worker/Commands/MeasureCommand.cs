using System.CommandLine;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Worker.Measuring;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Reporting;

namespace ModelBuildTasks.Worker.Commands;

/// <summary><c>modelbuild measure</c>: an artifact on the device that it is for, and a file by which builds elsewhere judge it.</summary>
internal static class MeasureCommand
{
    private const int MostThreads = 1024;
    private const int LargestBatch = 65536;
    private const double LongestSeconds = 3600;

    internal static Command Create()
    {
        Argument<FileInfo> artifact = new("artifact") { Description = "The artifact: an .onnx or .ort file, or an .onnx.br or .ort.br file that a build compressed." };
        Option<FileInfo> baseline = new("--baseline", "-b") { Description = "The source model, for the ratio of the two; both are run in turns." };
        Option<string> data = new("--data", "-d") { Description = "Samples to run on (default: drawn ones; see docs/DATA.md)." };
        Option<FileInfo> output = new("--output", "-o") { Description = "The measurement file to write, for ModelMeasurement items (see docs/MEASURING.md)." };
        Option<string> name = new("--name") { Description = "The model's Name in the project (default: from the artifact's file name)." };
        Option<string> target = new("--target", "-t") { Description = "The target that the artifact was made for (default: from the file name, else this processor's)." };
        target.AcceptOnlyFromAmong([.. TargetNames.ByPreference]);
        Option<int> threads = new("--threads") { Description = "Threads inside an operator.", DefaultValueFactory = _ => 1 };
        Option<int[]> batches = new("--batch") { Description = "Batch sizes whose throughput is measured.", DefaultValueFactory = _ => [1, 8, 32], AllowMultipleArgumentsPerToken = true };
        Option<double> seconds = new("--seconds") { Description = "Time limit of the latency measurement.", DefaultValueFactory = _ => 5 };
        Within(threads, 1, MostThreads);
        Within(seconds, 0.1, LongestSeconds);
        batches.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int[]>() is { } sizes && sizes.Any(size => size is < 1 or > LargestBatch))
            {
                result.AddError($"--batch takes numbers from 1 to {LargestBatch}.");
            }
        });
        Command command = new("measure", "Measure an artifact on this machine: latency, load time, throughput, memory, slowest operators.")
        {
            artifact, baseline, data, output, name, target, threads, batches, seconds,
        };
        command.SetAction((parsed, cancellation) => ModelCommand.Start(() =>
        {
            string path = parsed.GetRequiredValue(artifact).FullName;
            (string Name, string Target) described = ShippedModel.Describe(path);
            return Run(new MeasureSettings(path, parsed.GetValue(name) ?? described.Name, parsed.GetValue(target) ?? described.Target)
            {
                BaselinePath = parsed.GetValue(baseline)?.FullName,
                Data = parsed.GetValue(data) is { } samples ? Path.GetFullPath(samples) : null,
                Threads = parsed.GetValue(threads),
                Batches = parsed.GetValue(batches) ?? [],
                TimeLimit = TimeSpan.FromSeconds(parsed.GetValue(seconds)),
            }, parsed.GetValue(output)?.FullName, cancellation);
        }, cancellation));
        return command;
    }

    private static int Run(MeasureSettings settings, string? output, CancellationToken cancellation)
    {
        if (Refusal(settings, output) is { } refusal)
        {
            return ModelCommand.Report([refusal]);
        }

        try
        {
            return ModelCommand.Run(settings.ArtifactPath, path => ShippedModel.Use(path, model => Measure(settings, model, output, cancellation)));
        }
        catch (MachineBusyException fault)
        {
            ModelCommand.Report([Diagnostic.Create(DiagnosticCatalogue.LatencyNotMeasured, settings.ArtifactPath, settings.Name, settings.Target, fault.Message)]);
            return ModelCommand.Failed;
        }
    }

    private static int Measure(MeasureSettings settings, string modelPath, string? output, CancellationToken cancellation)
    {
        string? memoryReason = null;
        DeviceMeasurement measured = ConsoleProgress.Show($"{settings.Name} ({settings.Target})", progress =>
        {
            DeviceRun run = new(settings, progress, cancellation);
            DeviceMeasurement measurement = run.Measure(modelPath);
            memoryReason = run.MemoryReason;
            return measurement;
        });
        MeasurementTable.Print(measured);
        if (memoryReason is not null)
        {
            MeasurementTable.PrintUnmeasuredMemory(memoryReason);
        }

        if (output is null)
        {
            return ModelCommand.Succeeded;
        }

        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(output)!);
            measured.Write(output);
            Console.Out.WriteLine($"Written: {output}");
            return ModelCommand.Succeeded;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return ModelCommand.Report([FaultDiagnostics.CannotWrite(fault, output)]);
        }
    }

    /// <summary>What would measure something else than was meant, or destroy it; null when nothing would.</summary>
    private static Diagnostic? Refusal(MeasureSettings settings, string? output)
    {
        TargetProfile target = TargetProfiles.Find(settings.Target)!;
        if (!target.RunsHere)
        {
            string hardware = target.Architecture is { } architecture ? $"{target.ExecutionProvider} on {architecture}" : target.ExecutionProvider;
            return Diagnostic.Create(DiagnosticCatalogue.ContradictorySettings, settings.ArtifactPath, $"the target {target} is for {hardware}, which this machine or this build of modelbuild has not; run this command on a device that has, or name another --target");
        }

        if (settings.BaselinePath is { } baseline && !File.Exists(baseline))
        {
            return Diagnostic.Create(DiagnosticCatalogue.ModelNotFound, baseline, baseline);
        }

        bool IsOutput(string? path) => output is not null && string.Equals(path, output, StringComparison.OrdinalIgnoreCase);
        return IsOutput(settings.ArtifactPath) || IsOutput(settings.BaselinePath) ? Contradiction("a model, which is never changed")
            : IsOutput(settings.Data) ? Contradiction("the samples, which are never changed")
            : Directory.Exists(output) ? Contradiction($"the folder '{output}', and a file is to be written")
            : null;

        Diagnostic Contradiction(string what) => Diagnostic.Create(DiagnosticCatalogue.ContradictorySettings, settings.ArtifactPath, $"--output names {what}");
    }

    private static void Within<T>(Option<T> option, T least, T most) where T : struct, IComparable<T> => option.Validators.Add(result =>
    {
        T value = result.GetValueOrDefault<T>();
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
        {
            result.AddError(FormattableString.Invariant($"{option.Name} takes a number from {least} to {most}."));
        }
    });
}
