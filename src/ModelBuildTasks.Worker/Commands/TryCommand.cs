using System.CommandLine;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Releases;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Worker.Commands;

/// <summary>
/// <c>modelbuild try</c>: runs a model in another release of ONNX Runtime, or in that of another architecture. Inputs and outputs are tensor files as in ONNX test data sets. The build starts it as a process of its
/// own, so that a release that crashes is a finding and no crash of the worker.
/// </summary>
internal static class TryCommand
{
    internal const string Name = "try";

    internal static Command Create()
    {
        Argument<FileInfo> model = new("model") { Description = "The model." };
        Argument<FileInfo> library = new("library") { Description = "The native library of ONNX Runtime." };
        Argument<DirectoryInfo[]> samples = new("samples") { Description = "Folders with input_0.pb and so on; output_0.pb and so on are written to them.", Arity = ArgumentArity.OneOrMore };
        Command command = new(Name, "Run a model in another release of ONNX Runtime.") { model, library, samples };
        command.Hidden = true;
        command.SetAction(parsed => Run(parsed.GetRequiredValue(model).FullName, parsed.GetRequiredValue(library).FullName, parsed.GetRequiredValue(samples)));
        return command;
    }

    /// <summary>The file of one input or output.</summary>
    internal static string TensorFile(string folder, string kind, int index) => Path.Combine(folder, $"{kind}_{index}.pb");

    private static int Run(string model, string library, DirectoryInfo[] samples)
    {
        try
        {
            using ReleaseSession session = new(library, model);
            foreach (string folder in samples.Select(sample => sample.FullName))
            {
                Tensor[] inputs = [.. session.InputNames.Select((_, index) => Tensor.Parse(File.ReadAllBytes(TensorFile(folder, "input", index))))];
                IReadOnlyList<Tensor> outputs = session.Run(inputs);
                for (int i = 0; i < outputs.Count; i++)
                {
                    File.WriteAllBytes(TensorFile(folder, "output", i), outputs[i].ToBytes(session.OutputNames[i]));
                }
            }

            return ModelCommand.Succeeded;
        }
        catch (Exception fault) when (fault is InferenceException or IOException or UnauthorizedAccessException or ModelFormatException)
        {
            Console.Error.WriteLine(fault.Message);
            return ModelCommand.Failed;
        }
    }
}
