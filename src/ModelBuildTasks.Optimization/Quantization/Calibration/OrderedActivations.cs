using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization.Calibration;

/// <summary>
/// What chosen values of the float model hold, sample after sample, in ONNX Runtime's own memory. Samples run side by side, a few at a time, and are handed
/// over in their order: sums of floats then do not depend on the number of threads.
/// </summary>
internal static class OrderedActivations
{
    /// <summary>Samples whose activations are held at once.</summary>
    private const int MostSamplesInFlight = 4;

    /// <param name="values">Float values of the main graph, inputs included.</param>
    /// <param name="take">Gets each sample's activations, which last until it returns.</param>
    /// <exception cref="CalibrationException">A sample cannot be run.</exception>
    internal static void Run(Model model, IReadOnlyList<Value> values, Dataset samples, Action<SampleActivations> take, CancellationToken cancellation)
    {
        foreach (SampleActivations activations in Read(model, values, samples, cancellation))
        {
            take(activations);
        }
    }

    /// <summary>The same as a sequence, so that two models can be walked through side by side.</summary>
    /// <param name="optimize">Whether the runtime may fuse operators; where it may not, tensors between Q and DQ are those that the model says.</param>
    /// <returns>Each sample's activations, which last until the next is asked for.</returns>
    /// <inheritdoc cref="Run"/>
    internal static IEnumerable<SampleActivations> Read(Model model, IReadOnlyList<Value> values, Dataset samples, CancellationToken cancellation, bool optimize = true)
    {
        Value[] computed = [.. values.Where(value => value.Producer is not null).Distinct()];
        Value[] fed = [.. model.Graph.Inputs.Where(input => input.Initializer is null)];
        using ModelSession? session = computed.Length > 0 ? ObservedModel.Open(model, computed, new SessionSettings(Optimize: optimize)) : null;
        foreach (Sample[] window in samples.Read().Chunk(MostSamplesInFlight))
        {
            SessionRun?[] runs = new SessionRun?[window.Length];
            try
            {
                RunAll(session, window, runs, cancellation);
                for (int i = 0; i < window.Length; i++)
                {
                    yield return new SampleActivations(window[i], runs[i], computed, fed);
                }
            }
            finally
            {
                Array.ForEach(runs, run => run?.Dispose());
            }
        }
    }

    private static void RunAll(ModelSession? session, Sample[] window, SessionRun?[] runs, CancellationToken cancellation)
    {
        ParallelOptions options = new() { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellation };
        try
        {
            Parallel.For(0, window.Length, options, i => runs[i] = session?.RunBorrowed(window[i].Inputs));
        }
        catch (AggregateException failures) when (failures.InnerExceptions.OfType<InferenceException>().FirstOrDefault() is { } refused)
        {
            throw new CalibrationException($"a calibration sample cannot be run: {refused.Message}");
        }
    }
}
