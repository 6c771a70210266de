using System.CommandLine;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Inputs;
using ModelBuildTasks.Worker.Pipeline;

namespace ModelBuildTasks.Worker.Commands;

/// <summary><c>modelbuild preprocess</c>: a model with the preprocessing of its images, or other data, in front.</summary>
internal static class PreprocessCommand
{
    internal static Command Create()
    {
        Argument<FileInfo> model = new("model") { Description = "The ONNX model." };
        Option<string> description = new("--description", "-d") { Description = "A dataset.json, or a folder with one (see docs/PREPROCESSING.md).", Required = true };
        Option<FileInfo> output = new("--output", "-o") { Description = "The model to write.", Required = true };
        Command command = new("preprocess", "Put scaling, channel order and resizing into a model, so that it takes images as they are.") { model, description, output };
        command.SetAction(parsed => ModelCommand.Run(parsed.GetRequiredValue(model).FullName, path =>
            Preprocess(path, Path.GetFullPath(parsed.GetRequiredValue(description)), parsed.GetRequiredValue(output).FullName)));
        return command;
    }

    private static int Preprocess(string path, string description, string output)
    {
        if (path == output)
        {
            return ModelCommand.Report([Diagnostic.Create(DiagnosticCatalogue.CannotWrite, output, output, "It is the model itself, which is never changed.")]);
        }

        description = Directory.Exists(description) ? Path.Combine(description, "dataset.json") : description;
        if (!File.Exists(description))
        {
            return ModelCommand.Report([Diagnostic.Create(DiagnosticCatalogue.DataNotFound, description, MetadataNames.Preprocess, description)]);
        }

        Model model = Model.Load(path);
        if (InputPreprocessing.Apply(model, Preprocessing.Load(description, InputPreprocessing.InputsOf(model))) is { } reason)
        {
            return ModelCommand.Report([Diagnostic.Create(DiagnosticCatalogue.CannotPreprocess, path, reason)]);
        }

        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(output)!);
            model.Save(output);
            return ModelCommand.Succeeded;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return ModelCommand.Report([FaultDiagnostics.CannotWrite(fault, output)]);
        }
    }
}
