using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization.Calibration;

/// <summary>
/// Finds the range of each activation over real samples. The extremes are computed inside the model, by ReduceMin and ReduceMax
/// beside each observed value, so that a sample leaves two numbers a value behind and memory does not depend on how many there
/// are. Samples run side by side on all cores; extremes do not depend on their order.
/// </summary>
internal static class MinMaxCalibration
{
    /// <summary>Ranges hardly move after a few hundred samples; more would only cost time.</summary>
    private const int MostSamples = 512;

    /// <param name="model">The model; it is not changed.</param>
    /// <param name="values">Names of float values of its main graph.</param>
    /// <param name="samples">Real input.</param>
    /// <param name="context">Told the progress.</param>
    /// <returns>A range for each name.</returns>
    /// <exception cref="InferenceException">ONNX Runtime cannot run the model on a sample.</exception>
    internal static IReadOnlyDictionary<string, ActivationRange> Run(Model model, IReadOnlyList<string> values, Dataset samples, PassContext context)
    {
        Dataset chosen = samples.Take(MostSamples);
        using ModelSession session = ModelSession.Open(Observed(model, values));
        Lock gate = new();
        ActivationRange[] ranges = new ActivationRange[values.Count];
        Array.Fill(ranges, ActivationRange.Empty);
        int done = 0;
        ParallelOptions options = new() { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = context.CancellationToken };
        try
        {
            Parallel.ForEach(System.Collections.Concurrent.Partitioner.Create(chosen.Read(), System.Collections.Concurrent.EnumerablePartitionerOptions.NoBuffering), options, sample =>
            {
                using SessionRun run = session.RunBorrowed(sample.Inputs);
                lock (gate)
                {
                    for (int i = 0; i < ranges.Length; i++)
                    {
                        ranges[i] = ranges[i].Extend(run.Span<float>(2 * i)[0], run.Span<float>((2 * i) + 1)[0]);
                    }

                    context.Progress?.Report((double)++done / chosen.Count);
                }
            });
        }
        catch (AggregateException exception)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(exception.InnerExceptions[0]);
        }

        return values.Zip(ranges).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.Ordinal);
    }

    /// <summary>The model with the extremes of each value as its only outputs.</summary>
    private static Model Observed(Model model, IReadOnlyList<string> values)
    {
        Model observed = model.Clone();
        Graph graph = observed.Graph;
        foreach (Value output in graph.Outputs.ToArray())
        {
            graph.RemoveOutput(output);
        }

        foreach (string name in values)
        {
            Value value = graph.Find(name)!;
            graph.AddOutput(graph.AddNode("ReduceMin", [value]).Set("keepdims", 0).Output);
            graph.AddOutput(graph.AddNode("ReduceMax", [value]).Set("keepdims", 0).Output);
        }

        graph.RemoveUnused();
        return observed;
    }
}
