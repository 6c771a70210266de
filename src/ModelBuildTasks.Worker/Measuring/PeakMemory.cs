using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Commands;

namespace ModelBuildTasks.Worker.Measuring;

/// <summary>
/// Most memory that loading and running a model takes, measured by a child process that does nothing else: <c>modelbuild memory</c>. One that crashes or
/// hangs costs the figure and nothing more.
/// </summary>
internal static class PeakMemory
{
    private const string ResultName = "bytes";

    /// <summary>The least of them counts: what disturbs a measurement of memory adds to it.</summary>
    private const int Processes = 3;

    private static readonly TimeSpan TimeLimit = TimeSpan.FromMinutes(2);

    /// <param name="modelPath">The model.</param>
    /// <param name="samples">What it is run on, at least one.</param>
    /// <param name="threads">Threads inside an operator.</param>
    /// <param name="cancellation">Ends the process.</param>
    internal static MeasuredMemory Measure(string modelPath, IReadOnlyList<IReadOnlyList<Tensor>> samples, int threads, CancellationToken cancellation) =>
        Measure(modelPath, samples, threads, TimeLimit, cancellation);

    internal static MeasuredMemory Measure(string modelPath, IReadOnlyList<IReadOnlyList<Tensor>> samples, int threads, TimeSpan timeLimit, CancellationToken cancellation)
    {
        string folder = Directory.CreateTempSubdirectory("modelbuild-").FullName;
        try
        {
            string input = Path.Combine(folder, "samples");
            string output = Path.Combine(folder, ResultName);
            SampleFile.Write(input, samples);
            List<long> peaks = [];
            while (peaks.Count < Processes)
            {
                File.Delete(output);
                string? fault = Run(["memory", modelPath, input, output, "--threads", Text(threads), "--parent", Text(Environment.ProcessId)], timeLimit, cancellation);
                if (fault is not null || !File.Exists(output) || !long.TryParse(File.ReadAllText(output), CultureInfo.InvariantCulture, out long bytes))
                {
                    return new MeasuredMemory(null, $"the process that runs the model to measure its memory {fault ?? "gave no figure"}");
                }

                peaks.Add(bytes);
            }

            return new MeasuredMemory(peaks.Min(), null);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <returns>What went wrong, as the end of a sentence; null when nothing did.</returns>
    private static string? Run(IEnumerable<string> arguments, TimeSpan timeLimit, CancellationToken cancellation)
    {
        // The host of this very runtime: this process may be the .NET tool or a test.
        string host = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));
        ProcessStartInfo start = new(host, ["exec", Path.Combine(AppContext.BaseDirectory, "modelbuild.dll"), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = new() { StartInfo = start };
        string? lastWords = null;
        process.ErrorDataReceived += (_, line) => lastWords = string.IsNullOrWhiteSpace(line.Data) ? lastWords : line.Data.Trim();
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(timeLimit);
        try
        {
            process.Start();
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            process.WaitForExitAsync(limit.Token).GetAwaiter().GetResult();
            return process.ExitCode == ModelCommand.Succeeded ? null : $"ended with exit code {process.ExitCode}{(lastWords is null ? "" : $" ({lastWords.TrimEnd('.')})")}";
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            return $"could not be started: {exception.Message}";
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            cancellation.ThrowIfCancellationRequested();
            return string.Create(CultureInfo.InvariantCulture, $"did not end within {timeLimit.TotalSeconds:0.###} seconds");
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A peak of memory, or why there is none.</summary>
/// <param name="Bytes">Null when it could not be measured.</param>
/// <param name="Reason">Why, as the end of a sentence.</param>
internal readonly record struct MeasuredMemory(long? Bytes, string? Reason);
