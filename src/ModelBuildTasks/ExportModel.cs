using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Diagnostics;
using ModelBuildTasks.Execution;
using ModelBuildTasks.Exporting;
using ModelBuildTasks.Items;

namespace ModelBuildTasks;

/// <summary>
/// Runs the project's own command that makes models, when they are missing or what they are made from has changed. What the command prints is
/// logged as Exec logs it: lines in the form of errors and warnings are errors and warnings.
/// </summary>
[MSBuildMultiThreadableTask]
public sealed class ExportModel : ToolTask
{
    private static readonly bool s_isWindows = Path.DirectorySeparatorChar == '\\';

    private readonly TaskCompletionSource<bool> _cancelled = new();
    private readonly LastLines _lastLines = new();

    public ExportModel() => YieldDuringToolExecution = true;

    /// <summary>The OptimizedModel items that name this command and these inputs: one run makes them all.</summary>
    [Required] public ITaskItem[] Models { get; set; } = [];

    /// <summary>Their ExportCommand, for the shell of the platform: <c>/bin/sh</c> or <c>cmd.exe</c>. It runs in the project's folder.</summary>
    [Required] public string Command { get; set; } = "";

    /// <summary>Their ExportInputs as written.</summary>
    public string Patterns { get; set; } = "";

    /// <summary>What every ExportInputs stands for: files and folders, with the text that they come from as Pattern.</summary>
    public ITaskItem[] Inputs { get; set; } = [];

    /// <summary>Full path of the folder where it is kept what models were made from.</summary>
    [Required] public string Directory { get; set; } = "";

    /// <summary>Full path of the project file.</summary>
    [Required] public string ProjectFile { get; set; } = "";

    protected override string ToolName => s_isWindows ? "cmd.exe" : "sh";

    protected override MessageImportance StandardOutputLoggingImportance => MessageImportance.High;

    // Another importance than the output's tells the two apart.
    protected override MessageImportance StandardErrorLoggingImportance => MessageImportance.Normal;

    private string[] Paths => [.. Models.Select(model => ItemText.FullPath(Path.GetDirectoryName(ProjectFile)!, model.ItemSpec))];

    public override bool Execute()
    {
        try
        {
            var record = new ExportRecord(Directory, Paths, Command, ExistingInputs());
            if (Log.HasLoggedErrors || record.IsUpToDate(() => _cancelled.Task.IsCompleted))
            {
                return !Log.HasLoggedErrors;
            }

            using var turn = Turn.Wait(this, Path.Combine(Directory, "export.lock"), $"running an ExportCommand of '{ProjectFile}'", _cancelled.Task);
            // Another framework or configuration of the project may have made it in the meantime.
            return turn is not null && (record.IsUpToDate(() => _cancelled.Task.IsCompleted) || Run(record));
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Report(DiagnosticCatalogue.CannotWrite, Directory, exception.Message);
            return false;
        }
    }

    public override void Cancel()
    {
        _cancelled.TrySetResult(true);
        base.Cancel();
    }

    protected override string GenerateFullPathToTool() => s_isWindows ? Path.Combine(Environment.SystemDirectory, ToolName) : $"/bin/{ToolName}";

    protected override string GetWorkingDirectory() => Path.GetDirectoryName(ProjectFile)!;

    // With /S, cmd.exe takes away the outer quotation marks and nothing else; a process on Unix is given arguments, which .NET takes apart as Windows would.
    protected override string GenerateCommandLineCommands() => s_isWindows ? $"/D /S /C \"{Command}\"" : $"-c {QuotedArgument.Of(Command)}";

    // On Unix, ToolTask has made slashes of backslashes by now.
    protected override ProcessStartInfo GetProcessStartInfo(string pathToTool, string commandLineCommands, string responseFileSwitch)
    {
        var start = base.GetProcessStartInfo(pathToTool, commandLineCommands, responseFileSwitch);
        start.Arguments = GenerateCommandLineCommands();
        return start;
    }

    protected override void LogToolCommand(string message) => Log.LogMessage(MessageImportance.High, "{0}", Command);

    // The error below says more than "sh exited with code 1".
    protected override bool HandleTaskExecutionErrors() => false;

    protected override void LogEventsFromTextOutput(string singleLine, MessageImportance messageImportance)
    {
        _lastLines.Add(singleLine, isError: messageImportance == StandardErrorLoggingImportance);
        base.LogEventsFromTextOutput(singleLine, MessageImportance.High);
    }

    private bool Run(ExportRecord record)
    {
        var files = new ExportedFiles(Paths);
        record.Begin();
        foreach (var path in Paths)
        {
            System.IO.Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        }

        var ended = false;
        try
        {
            ended = base.Execute() && !_cancelled.Task.IsCompleted;
        }
        finally
        {
            // Also where a cancelled build ends this task by an exception.
            if (!ended)
            {
                files.DeleteWritten();
            }
        }

        if (!ended)
        {
            // Exit code 0 and errors among what it printed are -1 to ToolTask; those errors have said it.
            if (!_cancelled.Task.IsCompleted && !(ExitCode == -1 && Log.HasLoggedErrors))
            {
                Report(DiagnosticCatalogue.ExportFailed, string.Join(", ", Models.Select(model => model.ItemSpec)), ExitCode, _lastLines.Text);
            }

            return false;
        }

        if (Array.Find(Paths, path => !File.Exists(path)) is { } missing)
        {
            Report(DiagnosticCatalogue.NothingExported, Command, missing);
            return false;
        }

        record.Complete();
        return true;
    }

    private List<string> ExistingInputs()
    {
        var files = new List<string>();
        foreach (var input in Inputs.Where(input => input.GetMetadata("Pattern") == Patterns))
        {
            var path = ItemText.FullPath(Path.GetDirectoryName(ProjectFile)!, input.ItemSpec);
            if (File.Exists(path) || System.IO.Directory.Exists(path))
            {
                files.AddRange(RequestInputs.FilesOf(path));
            }
            else
            {
                Report(DiagnosticCatalogue.DataNotFound, MetadataNames.ExportInputs, path);
            }
        }

        return files;
    }

    private void Report(DiagnosticDescriptor descriptor, params object[] arguments)
    {
        var place = ItemLocation.Of(Models[0], "OptimizedModel");
        var diagnostic = Contracts.Diagnostic.Create(descriptor, ProjectFile, arguments);
        new DiagnosticLog(Log).Write(place.Line > 0 ? diagnostic.At(place.File, place.Line, place.Column) : diagnostic);
    }
}
