using System.IO;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Diagnostics;

namespace ModelBuildTasks.Execution;

/// <summary>A task that starts the worker: <c>dotnet exec modelbuild.dll</c> and a command.</summary>
public abstract class WorkerTask : ToolTask
{
    /// <summary>Full path of modelbuild.dll: the argument of <c>dotnet exec</c>.</summary>
    [Required] public string WorkerPath { get; set; } = "";

    /// <summary>Full path of the dotnet host; empty to look it up in PATH.</summary>
    public string DotNetHost { get; set; } = "";

    /// <summary>Full path of the project file.</summary>
    [Required] public string ProjectFile { get; set; } = "";

    protected override string ToolName => Path.DirectorySeparatorChar == '\\' ? "dotnet.exe" : "dotnet";

    // The default is the console's code page.
    protected override Encoding StandardOutputEncoding => Encoding.UTF8;

    protected override Encoding StandardErrorEncoding => Encoding.UTF8;

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

    /// <summary>The beginning of the command line.</summary>
    /// <param name="command">A command of the worker.</param>
    protected CommandLineBuilder Worker(string command)
    {
        var line = new CommandLineBuilder();
        line.AppendSwitch("exec");
        line.AppendFileNameIfNotNull(WorkerPath);
        line.AppendSwitch(command);
        return line;
    }

    protected override void LogToolCommand(string message) => Log.LogMessage(MessageImportance.Low, "{0}", message);

    /// <summary>Reports that the host has no runtime of the kind that the worker needs, where that is what its exit code says.</summary>
    /// <returns>Whether it is.</returns>
    private protected bool ReportMissingRuntime(int exitCode)
    {
        if (!WorkerExit.IsMissingRuntime(exitCode))
        {
            return false;
        }

        Report(DiagnosticCatalogue.WorkerNotFound, $"The runtime {RequiredRuntime.Of(WorkerPath)}, which the worker needs,", DotNetHost);
        return true;
    }

    private protected void Report(DiagnosticDescriptor descriptor, params object[] arguments) =>
        new DiagnosticLog(Log).Write(Contracts.Diagnostic.Create(descriptor, ProjectFile, arguments));
}
