using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Commands;

namespace ModelBuildTasks.Worker.Processes;

/// <summary>
/// This program, run once more in a process of its own: for native code that may crash, hang, or leave memory behind. Such a process ends with this one (<see cref="ParentProcess"/>).
/// </summary>
/// <param name="ExitCode">The exit code; null where the process could not be started, or did not end in time and was ended.</param>
/// <param name="Failure">What went wrong, as the end of a sentence about the process; null where it succeeded.</param>
internal sealed record ProgramRun(int? ExitCode, string? Failure)
{
    private const int MostErrorText = 2000;

    /// <summary>What it wrote to standard error, as far as a diagnostic has room for it.</summary>
    internal string Error { get; private init; } = "";

    /// <summary>Starts this program and waits for its end.</summary>
    /// <param name="command">The command, one that takes <c>--parent</c>.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="limit">How long it may take before it is ended.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <exception cref="OperationCanceledException">The work was cancelled; the process is gone.</exception>
    internal static ProgramRun Of(string command, IReadOnlyList<string> arguments, TimeSpan limit, CancellationToken cancellation)
    {
        ProcessStartInfo start = new(Host(), ["exec", Path.Combine(AppContext.BaseDirectory, "modelbuild.dll"), command, .. arguments, "--parent", Environment.ProcessId.ToString(CultureInfo.InvariantCulture)])
        {
            CreateNoWindow = true,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Of(start, limit, cancellation);
    }

    /// <summary>The same for any program whose three streams are redirected.</summary>
    /// <inheritdoc cref="Of(string, IReadOnlyList{string}, TimeSpan, CancellationToken)"/>
    internal static ProgramRun Of(ProcessStartInfo start, TimeSpan limit, CancellationToken cancellation)
    {
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception fault)
        {
            return new ProgramRun(null, $"could not be started: {fault.Message}");
        }

        using (process)
        {
            process.StandardInput.Close();
            Task<string> error = Beginning(process.StandardError);
            Task<string> output = Beginning(process.StandardOutput);
            using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            end.CancelAfter(limit);
            try
            {
                process.WaitForExitAsync(end.Token).GetAwaiter().GetResult();
                // A process that this one left behind may hold its pipes open.
                Task.WaitAll([error, output], end.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                process.WaitForExit();
                cancellation.ThrowIfCancellationRequested();
                return new ProgramRun(null, $"did not end within {Quantity.Duration(limit)}");
            }

            string said = error.Result.ReplaceLineEndings(" ").Trim().TrimEnd('.');
            return process.ExitCode == ModelCommand.Succeeded
                ? new ProgramRun(process.ExitCode, null)
                : new ProgramRun(process.ExitCode, $"ended with exit code {process.ExitCode}{(said.Length == 0 ? "" : $" ({said})")}") { Error = said };
        }
    }

    /// <summary>The host that belongs to the runtime of this process, which may be the .NET tool or a test: it lies three folders above <c>shared/Microsoft.NETCore.App/&lt;version&gt;/</c>.</summary>
    private static string Host() =>
        Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));

    /// <summary>Reads to the end, so that the process never waits for us, and keeps the beginning.</summary>
    private static async Task<string> Beginning(StreamReader reader)
    {
        char[] buffer = new char[MostErrorText];
        string kept = "";
        int read;
        while ((read = await reader.ReadAsync(buffer)) > 0)
        {
            kept += new string(buffer, 0, Math.Min(read, MostErrorText - kept.Length));
        }

        return kept;
    }
}
