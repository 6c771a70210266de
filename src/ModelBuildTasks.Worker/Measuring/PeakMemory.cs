using System.Globalization;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Commands;
using ModelBuildTasks.Worker.Processes;

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
                string? fault = ProgramRun.Of(MemoryCommand.Name, [modelPath, input, output, "--threads", threads.ToString(CultureInfo.InvariantCulture)], timeLimit, cancellation).Failure;
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
}

/// <summary>A peak of memory, or why there is none.</summary>
/// <param name="Bytes">Null when it could not be measured.</param>
/// <param name="Reason">Why, as the end of a sentence.</param>
internal readonly record struct MeasuredMemory(long? Bytes, string? Reason);
