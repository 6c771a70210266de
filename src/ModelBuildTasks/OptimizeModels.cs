using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Diagnostics;

namespace ModelBuildTasks;

/// <summary>
/// Runs the worker once for all requests that are out of date: <c>dotnet exec modelbuild.dll build a.request.json b.request.json</c>. What it
/// found is in its result files; its output is for people, and its exit code counts only where a result is missing.
/// </summary>
[MSBuildMultiThreadableTask]
public sealed class OptimizeModels : ToolTask
{
    // Windows takes 32767 characters; the rest of the command line and long user names need room.
    private const int LongestCommandLine = 16_000;
    private const int KeptErrorLines = 12;

    // The worker keeps the limit of each request itself and says so in the result; it is ended only when it does not.
    private const int GraceMilliseconds = 10_000;

    private readonly Queue<string> _errorLines = new();
    private readonly Stopwatch _elapsed = new();
    private bool _cancelled;

    public OptimizeModels() => YieldDuringToolExecution = true;

    /// <summary>The out-of-date requests, with ResultPath and ArtifactPath.</summary>
    [Required] public ITaskItem[] Requests { get; set; } = [];

    /// <summary>Full path of modelbuild.dll: the argument of <c>dotnet exec</c>.</summary>
    [Required] public string WorkerPath { get; set; } = "";

    /// <summary>Full path of the dotnet host; empty to look it up in PATH.</summary>
    public string DotNetHost { get; set; } = "";

    /// <summary>Full path of the file that carries the arguments when they are too long for a command line: <c>build @file</c>.</summary>
    [Required] public string ArgumentsFile { get; set; } = "";

    /// <summary>The project's ModelOptimizationTimeout, for each model; empty for none.</summary>
    public string OptimizationTimeout { get; set; } = "";

    /// <summary>The project's ModelRemoteCache, valid; empty for none.</summary>
    public string RemoteCache { get; set; } = "";

    /// <summary>Full path of the project file.</summary>
    [Required] public string ProjectFile { get; set; } = "";

    protected override string ToolName => Path.DirectorySeparatorChar == '\\' ? "dotnet.exe" : "dotnet";

    // The default is the console's code page.
    protected override Encoding StandardOutputEncoding => Encoding.UTF8;

    protected override Encoding StandardErrorEncoding => Encoding.UTF8;

    protected override MessageImportance StandardOutputLoggingImportance => MessageImportance.Normal;

    protected override MessageImportance StandardErrorLoggingImportance => MessageImportance.High;

    public override bool Execute()
    {
        try
        {
            foreach (var request in Requests)
            {
                // Whatever result is there afterwards is of this run.
                File.Delete(request.GetMetadata("ResultPath"));
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Report(DiagnosticCatalogue.CannotWrite, Path.GetDirectoryName(ArgumentsFile)!, exception.Message);
            return false;
        }

        if (Quantity.TryParseDuration(OptimizationTimeout, out var milliseconds) && milliseconds > 0)
        {
            Timeout = (int)Math.Min(int.MaxValue, (milliseconds * Requests.Length) + GraceMilliseconds);
        }

        return base.Execute();
    }

    public override void Cancel()
    {
        _cancelled = true;
        base.Cancel();
    }

    protected override string GenerateFullPathToTool() => DotNetHost.Length > 0 ? DotNetHost : ToolName;

    protected override bool ValidateParameters()
    {
        if (DotNetHost.Length > 0 && !File.Exists(DotNetHost))
        {
            Report(DiagnosticCatalogue.WorkerNotFound, "The .NET host", DotNetHost);
            return false;
        }

        if (!File.Exists(WorkerPath))
        {
            Report(DiagnosticCatalogue.WorkerNotFound, "The worker", WorkerPath);
            return false;
        }

        return true;
    }

    protected override string GenerateCommandLineCommands()
    {
        var arguments = new CommandLineBuilder();
        arguments.AppendFileNamesIfNotNull([.. Requests.Select(request => request.ItemSpec)], " ");
        if (arguments.ToString().Length > LongestCommandLine)
        {
            // Kept, unlike ToolTask's own response file, so that the command can be run again by hand.
            File.WriteAllLines(ArgumentsFile, Requests.Select(request => $"\"{request.ItemSpec}\""), new UTF8Encoding(false));
            arguments = new CommandLineBuilder();
            arguments.AppendSwitchIfNotNull("@", ArgumentsFile);
        }

        var command = new CommandLineBuilder();
        command.AppendSwitch("exec");
        command.AppendFileNameIfNotNull(WorkerPath);
        command.AppendSwitch("build");
        return $"{command} {arguments}";
    }

    // Not ToolTask.EnvironmentVariables, which are logged: the URL may hold a password.
    protected override ProcessStartInfo GetProcessStartInfo(string pathToTool, string commandLineCommands, string responseFileSwitch)
    {
        var start = base.GetProcessStartInfo(pathToTool, commandLineCommands, responseFileSwitch);
        start.Environment[RemoteCacheAddress.Variable] = RemoteCache;
        return start;
    }

    protected override int ExecuteTool(string pathToTool, string responseFileCommands, string commandLineCommands)
    {
        _elapsed.Start();
        var exitCode = base.ExecuteTool(pathToTool, responseFileCommands, commandLineCommands);
        _elapsed.Stop();
        if (_cancelled)
        {
            return exitCode;
        }

        var missing = Requests.Count(request => !File.Exists(request.GetMetadata("ResultPath")));
        if (missing == 0)
        {
            Refresh();
            return 0;
        }

        if (Timeout > 0 && _elapsed.ElapsedMilliseconds >= Timeout)
        {
            Report(DiagnosticCatalogue.TimedOut, TimeSpan.FromMilliseconds(Timeout - GraceMilliseconds));
        }
        else
        {
            Report(DiagnosticCatalogue.WorkerFailed,
                string.Format(CultureInfo.InvariantCulture, "it ended with exit code {0}, and {1} of {2} models have no result", exitCode, missing, Requests.Length),
                string.Join(Environment.NewLine, _errorLines));
        }

        return exitCode == 0 ? -1 : exitCode;
    }

    // The diagnostics above say more than "dotnet exited with code 134".
    protected override bool HandleTaskExecutionErrors() => false;

    // Text is never parsed for errors: what counts is in the result files.
    protected override void LogEventsFromTextOutput(string singleLine, MessageImportance messageImportance)
    {
        if (messageImportance == StandardErrorLoggingImportance)
        {
            _errorLines.Enqueue(singleLine);
            if (_errorLines.Count > KeptErrorLines)
            {
                _errorLines.Dequeue();
            }
        }

        Log.LogMessage(messageImportance, "{0}", singleLine);
    }

    protected override void LogToolCommand(string message) => Log.LogMessage(MessageImportance.Low, "{0}", message);

    // The compiler compares times only: an artifact restored from a cache with its old time would leave the previous one embedded.
    private void Refresh()
    {
        foreach (var artifact in Requests.Select(request => request.GetMetadata("ArtifactPath")).Where(File.Exists))
        {
            File.SetLastWriteTimeUtc(artifact, DateTime.UtcNow);
        }
    }

    private void Report(DiagnosticDescriptor descriptor, params object[] arguments) =>
        new DiagnosticLog(Log).Write(Contracts.Diagnostic.Create(descriptor, ProjectFile, arguments));
}
