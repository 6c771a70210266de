using System.CommandLine;
using System.Globalization;
using ModelBuildTasks.Worker.Measuring;
using ModelBuildTasks.Worker.Processes;

namespace ModelBuildTasks.Worker.Commands;

/// <summary><c>modelbuild memory</c>: what <see cref="PeakMemory"/> starts. The figure goes to a file.</summary>
internal static class MemoryCommand
{
    internal const string Name = "memory";

    internal static Command Create()
    {
        Argument<FileInfo> model = new("model") { Description = "The model." };
        Argument<FileInfo> samples = new("samples") { Description = "Samples, as this program writes them." };
        Argument<FileInfo> output = new("output") { Description = "The file for the number of bytes." };
        Option<int> threads = new("--threads") { Description = "Threads inside an operator.", DefaultValueFactory = _ => 1 };
        Option<int?> parent = new("--parent") { Description = "The process to end with." };
        Command command = new(Name, "Load and run a model, and tell how much memory that takes.") { model, samples, output, threads, parent };
        command.Hidden = true;
        command.SetAction(parsed =>
        {
            _ = parsed.GetValue(parent) is { } id ? ParentProcess.Gone(id) : default;
            return ModelCommand.Run(parsed.GetRequiredValue(model).FullName, path =>
            {
                long bytes = MemoryRun.Measure(path, SampleFile.Read(parsed.GetRequiredValue(samples).FullName), parsed.GetValue(threads));
                File.WriteAllText(parsed.GetRequiredValue(output).FullName, bytes.ToString(CultureInfo.InvariantCulture));
                return ModelCommand.Succeeded;
            });
        });
        return command;
    }
}
