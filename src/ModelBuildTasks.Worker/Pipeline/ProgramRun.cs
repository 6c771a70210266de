using System.Diagnostics;
using System.Runtime.InteropServices;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>
/// This program, run once more in a process of its own: for native code that may crash, hang, or leave memory behind. What a run writes to standard error is kept, as far as a
/// diagnostic has room for it.
/// </summary>
/// <param name="ExitCode">The exit code; null where the process did not end in time and was ended.</param>
/// <param name="Error">The beginning of what it wrote to standard error.</param>
internal sealed record ProgramRun(int? ExitCode, string Error)
{
    private const int MostErrorText = 2000;

    /// <summary>Starts this program with <paramref name="arguments"/> and waits for its end.</summary>
    /// <param name="arguments">A command and its arguments.</param>
    /// <param name="limit">How long it may take before it is ended.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <exception cref="OperationCanceledException">The work was cancelled; the process is gone.</exception>
    internal static ProgramRun Of(IReadOnlyList<string> arguments, TimeSpan limit, CancellationToken cancellation)
    {
        ProcessStartInfo start = new(Host(), ["exec", typeof(ProgramRun).Assembly.Location, .. arguments])
        {
            UseShellExecute = false,
            CreateNoWindow = true,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> error = Beginning(process.StandardError);
        Task<string> output = Beginning(process.StandardOutput);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        end.CancelAfter(limit);
        try
        {
            process.WaitForExitAsync(end.Token).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            cancellation.ThrowIfCancellationRequested();
            return new ProgramRun(null, "");
        }

        Task.WaitAll([error, output], cancellation);
        return new ProgramRun(process.ExitCode, error.Result.Trim());
    }

    /// <summary>The host that belongs to the runtime of this process, whoever started that: it lies three folders above <c>shared/Microsoft.NETCore.App/&lt;version&gt;/</c>.</summary>
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
