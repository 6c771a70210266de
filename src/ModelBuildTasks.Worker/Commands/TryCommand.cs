using System.CommandLine;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Releases;
using ModelBuildTasks.Worker.Processes;

namespace ModelBuildTasks.Worker.Commands;

/// <summary>
/// <c>modelbuild try</c>: runs a model in another release of ONNX Runtime, or in that of another architecture. The build starts it as a process of its own, so that a release that crashes
/// is a finding and no crash of the worker.
/// </summary>
internal static class TryCommand
{
    internal const string Name = "try";

    /// <summary>The exit code where the release refuses the model or its inputs; <see cref="ModelCommand.Failed"/> says nothing of them, as for a full disk.</summary>
    internal const int Refused = 2;

    internal static Command Create()
    {
        Argument<FileInfo> model = new("model") { Description = "The model." };
        Argument<FileInfo> library = new("library") { Description = "The native library of ONNX Runtime." };
        Argument<FileInfo> samples = new("samples") { Description = "Samples, as this program writes them." };
        Argument<FileInfo> outputs = new("outputs") { Description = "The file for the outputs of each." };
        Option<int?> parent = new("--parent") { Description = "The process to end with." };
        Command command = new(Name, "Run a model in another release of ONNX Runtime.") { model, library, samples, outputs, parent };
        command.Hidden = true;
        command.SetAction(parsed =>
        {
            _ = parsed.GetValue(parent) is { } id ? ParentProcess.Gone(id) : default;
            return Run(parsed.GetRequiredValue(model).FullName, parsed.GetRequiredValue(library).FullName, parsed.GetRequiredValue(samples).FullName, parsed.GetRequiredValue(outputs).FullName);
        });
        return command;
    }

    private static int Run(string model, string library, string samples, string outputs)
    {
        try
        {
            using ReleaseSession session = new(library, model);
            SampleFile.Write(outputs, [.. SampleFile.Read(samples).Select(session.Run)]);
            return ModelCommand.Succeeded;
        }
        catch (Exception fault) when (fault is InferenceException or UnusableLibraryException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(fault.Message);
            return fault is InferenceException ? Refused : ModelCommand.Failed;
        }
    }
}
