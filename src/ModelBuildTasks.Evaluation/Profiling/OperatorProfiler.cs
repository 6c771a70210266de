using System.Diagnostics;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Profiling;

/// <summary>Runs a model with ONNX Runtime's profiler, which slows it down: a profile tells where time goes, and not how much time a run takes.</summary>
public static class OperatorProfiler
{
    /// <summary>The first runs allocate memory and choose kernels.</summary>
    private const int WarmUpRuns = 2;

    /// <summary>Medians of so many runs name the slowest operators.</summary>
    private const int Runs = 20;

    /// <summary>Large models get fewer runs, one at least.</summary>
    private static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(1);

    /// <param name="modelPath">The model.</param>
    /// <param name="inputs">One sample.</param>
    /// <param name="settings">Threads, and the execution provider.</param>
    /// <param name="cancellation">Stops between runs.</param>
    /// <returns>Every node, the slowest first.</returns>
    /// <exception cref="InferenceException">ONNX Runtime cannot run the model.</exception>
    /// <exception cref="IOException">The temporary folder has no room for the trace.</exception>
    public static IReadOnlyList<OperatorCost> Run(string modelPath, IReadOnlyList<Tensor> inputs, SessionSettings? settings = null, CancellationToken cancellation = default)
    {
        string folder = Directory.CreateTempSubdirectory("modelbuild-").FullName;
        try
        {
            using ModelSession session = ModelSession.Open(modelPath, (settings ?? new SessionSettings()) with { ProfilePrefix = Path.Combine(folder, "profile") });
            long start = Stopwatch.GetTimestamp();
            for (int run = 0; run < WarmUpRuns + Runs && (run <= WarmUpRuns || Stopwatch.GetElapsedTime(start) < TimeLimit); run++)
            {
                cancellation.ThrowIfCancellationRequested();
                session.RunBorrowed(inputs).Dispose();
            }

            using FileStream trace = File.OpenRead(session.EndProfiling());
            return ProfileTrace.Read(trace, WarmUpRuns);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
