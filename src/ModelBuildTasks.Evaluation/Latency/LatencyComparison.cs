using ModelBuildTasks.Evaluation.Statistics;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Evaluation.Latency;

/// <summary>Compares the latency of a model and its optimized form, interleaved in one run, while no other build measures on this machine.</summary>
public static class LatencyComparison
{
    /// <param name="original">The model as it came.</param>
    /// <param name="optimized">Its optimized form.</param>
    /// <param name="inputs">One sample; both models run it again and again.</param>
    /// <param name="processor">The processor's own name, for the record.</param>
    /// <param name="threads">Threads that both sessions were opened with, for the record.</param>
    /// <param name="settings">Time limit, confidence, seed.</param>
    /// <param name="cancellation">Stops between runs.</param>
    /// <returns>The comparison; null when another process kept measuring for all of <see cref="LatencySettings.WaitForMachine"/>.</returns>
    /// <exception cref="InferenceException">ONNX Runtime cannot run a model.</exception>
    public static LatencyResult? Run(ModelSession original, ModelSession optimized, IReadOnlyList<Tensor> inputs, string processor, int threads = 1, LatencySettings? settings = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(original);
        ArgumentNullException.ThrowIfNull(optimized);
        // What an app has in the right type is not converted in its time.
        (IReadOnlyList<Tensor> first, IReadOnlyList<Tensor> second) = (original.Fit(inputs), optimized.Fit(inputs));
        return Run(() => original.RunBorrowed(first).Dispose(), () => optimized.RunBorrowed(second).Dispose(), processor, threads, settings ?? new LatencySettings(), TimeProvider.System, cancellation);
    }

    internal static LatencyResult? Run(Action original, Action optimized, string processor, int threads, LatencySettings settings, TimeProvider clock, CancellationToken cancellation = default)
    {
        using MeasuringTurn? turn = MeasuringTurn.Take(settings.WaitForMachine, cancellation: cancellation);
        return turn is null ? null : Measure(original, optimized, processor, threads, settings, clock, cancellation);
    }

    internal static LatencyResult Measure(Action original, Action optimized, string processor, int threads, LatencySettings settings, TimeProvider clock, CancellationToken cancellation = default)
    {
        (List<(double First, double Second)> pairs, bool settled) = new PairedTiming(original, optimized, settings, clock).Measure(cancellation);
        Estimate Milliseconds(Func<(double First, double Second), double> half) =>
            LatencyStatistics.Median([.. pairs.Select(pair => half(pair) * 1000)], settings);
        return new LatencyResult(
            Milliseconds(pair => pair.First), Milliseconds(pair => pair.Second), LatencyStatistics.Ratio(pairs, settings), pairs.Count, threads, processor, settled);
    }
}
