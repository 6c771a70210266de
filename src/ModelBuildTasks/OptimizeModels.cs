using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading.Tasks;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Diagnostics;
using ModelBuildTasks.Execution;

namespace ModelBuildTasks;

/// <summary>
/// Runs the worker once for all requests that are out of date: <c>dotnet exec modelbuild.dll build a.request.json b.request.json</c>. What it
/// found is in its result files; its output is for people, and its exit code counts only where a result is missing.
/// </summary>
[MSBuildMultiThreadableTask]
public sealed class OptimizeModels : WorkerTask
{
    // Windows takes 32767 characters; the rest of the command line and long user names need room.
    private const int LongestCommandLine = 16_000;

    // Ctrl+C reaches the worker, too, and it may be gone before MSBuild tells the task to stop.
    private const int CancelMilliseconds = 5_000;

    // What a result needs at least: a disk without room for that is the reason why there is none.
    private const int ProbeBytes = 4096;

    private readonly TaskCompletionSource<bool> _cancelled = new();
    private readonly WorkerOutput _output = new();
    private readonly TrainingLines _training = new();
    private readonly Stopwatch _elapsed = new();
    private IReadOnlyList<ITaskItem> _pending = [];
    private TimeLimit? _limit;

    public OptimizeModels() => YieldDuringToolExecution = true;

    /// <summary>The out-of-date requests, with ResultPath and ArtifactPath.</summary>
    [Required] public ITaskItem[] Requests { get; set; } = [];

    /// <summary>Full path of the file that carries the worker's arguments where a command line might be too short: <c>build @file</c>.</summary>
    [Required] public string ArgumentsFile { get; set; } = "";

    /// <summary>Full path of the file that a build holds open while it works on these requests.</summary>
    [Required] public string LockFile { get; set; } = "";

    /// <summary>The project's ModelOptimizationTimeout, for each model; empty where searches alone have a limit, which the worker keeps.</summary>
    public string OptimizationTimeout { get; set; } = "";

    /// <summary>The project's ModelRemoteCache, valid; empty for none.</summary>
    public string RemoteCache { get; set; } = "";

    /// <summary>How many processes the build may run at once (<c>-maxCpuCount</c>), at least 1: MSBuild lends all of the machine's cores whatever that is.</summary>
    public int MaxCpuCount { get; set; } = 1;

    protected override MessageImportance StandardOutputLoggingImportance => MessageImportance.Low;

    // Another importance than the output's tells the two apart.
    protected override MessageImportance StandardErrorLoggingImportance => MessageImportance.Normal;

    public override bool Execute()
    {
        try
        {
            using var turn = Turn.Wait(this, LockFile, $"optimizing the models in '{Path.GetDirectoryName(ArgumentsFile)}'", _cancelled.Task);
            // Another build may have made them in the meantime.
            _pending = turn is null ? [] : [.. Requests.Where(request => !HasResult(request))];
            foreach (var request in _pending)
            {
                DeleteLeftovers(request);
            }

            var asked = _pending;
            _pending = CacheHits.Restore(asked);
            Announce(asked.Except(_pending));
            return turn is not null && (_pending.Count == 0 || Run());
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Report(DiagnosticCatalogue.CannotWrite, Path.GetDirectoryName(ArgumentsFile)!, exception.Message);
            return false;
        }
    }

    public override void Cancel()
    {
        _cancelled.TrySetResult(true);
        base.Cancel();
    }

    protected override string GenerateCommandLineCommands()
    {
        var arguments = new CommandLineBuilder();
        arguments.AppendFileNamesIfNotNull([.. _pending.Select(request => request.ItemSpec)], " ");
        if (arguments.ToString().Length > LongestCommandLine)
        {
            // Kept, unlike ToolTask's own response file, so that the command can be run again by hand.
            File.WriteAllLines(ArgumentsFile, _pending.Select(request => $"\"{request.ItemSpec}\""), new UTF8Encoding(false));
            arguments = new CommandLineBuilder();
            arguments.AppendSwitchIfNotNull("@", ArgumentsFile);
        }

        using var node = Process.GetCurrentProcess();
        var command = Worker("build");
        // A node that is killed can't end its worker; the worker then ends itself.
        command.AppendSwitch($"--parent {node.Id.ToString(CultureInfo.InvariantCulture)}");
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
        if (_cancelled.Task.IsCompleted)
        {
            return exitCode;
        }

        var missing = _pending.Where(request => !HasResult(request)).ToList();
        if (missing.Count == 0)
        {
            Announce(_pending);
            return 0;
        }

        if (!(WorkerExit.IsInterruption(exitCode) && _cancelled.Task.Wait(CancelMilliseconds)))
        {
            Blame(exitCode, missing);
        }

        return exitCode == 0 ? -1 : exitCode;
    }

    // The diagnostics above say more than "dotnet exited with code 134".
    protected override bool HandleTaskExecutionErrors() => false;

    protected override void LogEventsFromTextOutput(string singleLine, MessageImportance messageImportance)
    {
        var isError = messageImportance == StandardErrorLoggingImportance;
        if (_output.Take(singleLine, isError) is { } line)
        {
            Log.LogMessage(!isError && _training.IsToBeSeen(line) ? MessageImportance.High : messageImportance, "{0}", line);
        }
    }

    private bool Run()
    {
        _limit = TimeLimit.Of(OptimizationTimeout, _pending.Count);
        Timeout = _limit?.KillMilliseconds ?? System.Threading.Timeout.Infinite;
        using var cores = CoreGrant.Request(BuildEngine, Math.Min(MaxCpuCount, Environment.ProcessorCount));
        // What the worker's runtime takes for the number of processors, and thereby all that is parallel in it.
        EnvironmentVariables = [$"DOTNET_PROCESSOR_COUNT={cores.Count.ToString(CultureInfo.InvariantCulture)}"];
        return base.Execute();
    }

    // The comparison that MSBuild makes between the target's Inputs and Outputs.
    private static bool HasResult(ITaskItem request)
    {
        var result = request.GetMetadata("ResultPath");
        return File.Exists(result) && File.GetLastWriteTimeUtc(result) >= File.GetLastWriteTimeUtc(request.ItemSpec);
    }

    // What a killed worker had begun to write: "digits.onnx.9f….staged", "digits.ort.9f….staged.ort", "digits.result.json.3c….tmp". The weights of a candidate in two files, "cuda.5e….data", are told
    // from those of the last artifact by its result.
    private static void DeleteLeftovers(ITaskItem request)
    {
        foreach (var whole in new[] { request.ItemSpec, request.GetMetadata("ArtifactPath"), request.GetMetadata("ResultPath") })
        {
            var folder = new DirectoryInfo(Path.GetDirectoryName(whole)!);
            foreach (var file in folder.EnumerateFiles().Where(file => file.Name.StartsWith(Path.GetFileName(whole) + ".", StringComparison.Ordinal) && file.Extension is ".staged" or ".ort" or ".tmp"))
            {
                file.Delete();
            }
        }

        var result = request.GetMetadata("ResultPath");
        var kept = ExternalDataOf(result);
        foreach (var file in new DirectoryInfo(Path.GetDirectoryName(result)!).EnumerateFiles("*.data").Where(file => file.Name != kept))
        {
            file.Delete();
        }
    }

    private static string? ExternalDataOf(string result)
    {
        try
        {
            return File.Exists(result) ? OptimizationResult.Read(result).ExternalData : null;
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private void Announce(IEnumerable<ITaskItem> requests)
    {
        foreach (var request in requests)
        {
            var artifact = request.GetMetadata("ArtifactPath");
            try
            {
                var result = OptimizationResult.Read(request.GetMetadata("ResultPath"));
                if (result.Succeeded)
                {
                    // The compiler compares times only: an artifact restored from a cache with its old time would leave the previous one embedded.
                    File.SetLastWriteTimeUtc(artifact, DateTime.UtcNow);
                    Log.LogMessage(MessageImportance.High, "{0}", ResultLine.Of(Path.GetFileName(request.ItemSpec).Replace(".request.json", ""), result));
                }
            }
            catch (InvalidDataException)
            {
                // ValidateModelBudgets says so, in this build and in the next.
            }
        }
    }

    private void Blame(int exitCode, List<ITaskItem> missing)
    {
        var result = missing[0].GetMetadata("ResultPath");
        if (_limit is not null && _elapsed.ElapsedMilliseconds >= _limit.KillMilliseconds)
        {
            Report(DiagnosticCatalogue.TimedOut, Quantity.Duration(_limit.Duration));
        }
        else if (ReportMissingRuntime(exitCode))
        {
            return;
        }
        else if (WhyNotWritable(result) is { } reason)
        {
            Report(DiagnosticCatalogue.CannotWrite, result, reason);
        }
        else
        {
            Report(DiagnosticCatalogue.WorkerFailed,
                string.Format(CultureInfo.InvariantCulture, "it ended with exit code {0}, and {1} of {2} models have no result", exitCode, missing.Count, _pending.Count),
                _output.LastWords);
        }
    }

    private static string? WhyNotWritable(string path)
    {
        var probe = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            File.WriteAllBytes(probe, new byte[ProbeBytes]);
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return exception.Message;
        }
        finally
        {
            File.Delete(probe);
        }
    }
}
