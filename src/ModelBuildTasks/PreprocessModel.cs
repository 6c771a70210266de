using System;
using System.IO;
using System.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Diagnostics;
using ModelBuildTasks.Execution;
using ModelBuildTasks.Items;

namespace ModelBuildTasks;

/// <summary>Makes the model that an item's Preprocess asks for, where the source, the description or the worker has changed: <c>modelbuild preprocess</c>.</summary>
[MSBuildMultiThreadableTask]
public sealed class PreprocessModel : WorkerTask
{
    /// <summary>Full path of the source model.</summary>
    [Required] public string Model { get; set; } = "";

    /// <summary>Full path of the <c>dataset.json</c> that says what to put in front.</summary>
    [Required] public string Description { get; set; } = "";

    /// <summary>Full path of the model to write.</summary>
    [Required] public string OutputPath { get; set; } = "";

    /// <summary>The file that defines the item.</summary>
    public string DefinedIn { get; set; } = "";

    /// <summary>The item's Include.</summary>
    public string DefinedAs { get; set; } = "";

    /// <summary>What was written, now or in an earlier build.</summary>
    [Output] public ITaskItem[] Files { get; set; } = [];

    public PreprocessModel() => YieldDuringToolExecution = true;

    protected override MessageImportance StandardOutputLoggingImportance => MessageImportance.Low;

    public override bool Execute()
    {
        if (!Exists(Model, DiagnosticCatalogue.ModelNotFound, Model) || !Exists(Description, DiagnosticCatalogue.DataNotFound, MetadataNames.Preprocess, Description))
        {
            return false;
        }

        string stamps;
        try
        {
            stamps = Stamps();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Report(DiagnosticCatalogue.InputUnreadable, Path.GetFileName(Model), exception.Message);
            return false;
        }

        var memory = new TaskMemory($"{OutputPath}.cache", stamps);
        if ((memory.Recall() is null || !File.Exists(OutputPath)) && !Make(memory))
        {
            return false;
        }

        Files = [.. new[] { OutputPath, $"{OutputPath}.data", $"{OutputPath}.cache" }.Where(File.Exists).Select(ItemText.Create)];
        return true;
    }

    protected override string GenerateCommandLineCommands()
    {
        var line = Worker("preprocess");
        line.AppendFileNameIfNotNull(Model);
        line.AppendSwitchIfNotNull("--description ", Description);
        line.AppendSwitchIfNotNull("--output ", OutputPath);
        return line.ToString();
    }

    // Coded errors, which ToolTask takes from the worker's standard error, say more than its exit code; without one, the code is all there is.
    protected override bool HandleTaskExecutionErrors()
    {
        // Ctrl+C reaches the worker, too, and it may be gone before MSBuild tells the task to stop.
        if (!WorkerExit.IsInterruption(ExitCode) && !ReportMissingRuntime(ExitCode) && !Log.HasLoggedErrors)
        {
            Report(DiagnosticCatalogue.WorkerFailed, $"'modelbuild preprocess' ended with exit code {ExitCode}", "It wrote no error that a build reads.");
        }

        return false;
    }

    private bool Make(TaskMemory memory)
    {
        try
        {
            // A failure must not leave a memory of what lay there before.
            memory.Forget();
            Directory.CreateDirectory(Path.GetDirectoryName(OutputPath)!);
            // Weights of a model that was larger.
            File.Delete($"{OutputPath}.data");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Report(DiagnosticCatalogue.CannotWrite, OutputPath, exception.Message);
            return false;
        }

        if (!base.Execute())
        {
            return false;
        }

        memory.Remember([]);
        return true;
    }

    private bool Exists(string path, DiagnosticDescriptor descriptor, params object[] arguments)
    {
        if (!File.Exists(path))
        {
            var place = ItemLocation.Find(DefinedIn, "OptimizedModel", DefinedAs);
            new DiagnosticLog(Log).Write(Contracts.Diagnostic.Create(descriptor, place.File, arguments).At(place.File, place.Line, place.Column));
            return false;
        }

        return true;
    }

    private string Stamps() => string.Join("\n", [
        Description, InputStamp.OfContents(Description), InputStamp.OfTimes(WorkerDigest.Files(Path.GetDirectoryName(WorkerPath)!)),
        .. RequestInputs.Models(Model).Select(input => $"{input.Path}\n{(File.Exists(input.Path) ? InputStamp.OfContents(input.Path) : "")}")]);
}
