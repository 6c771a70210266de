using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Pruning.Refitting;

/// <summary>
/// Walks through a model from its inputs on and fits its layers to what the original model gives there, each on what the layers fitted before make it read:
/// a layer so makes up for the errors of those in front of it, too. Statistics of normalizations between them are estimated again on the way.
/// </summary>
internal static class LayerwiseFit
{
    /// <summary>More samples cost time and tell little that is new: GPTQ and SparseGPT use 128 sequences, each of many rows.</summary>
    private const int MostSamples = 256;

    /// <summary>
    /// Layers next to each other are fitted together where the model has more than this: every stage runs both models once over the samples, up to its layers.
    /// </summary>
    private const int MostStages = 12;

    /// <summary>Bytes of moments that are held at once, or those of the largest layer: more layers take another run.</summary>
    private const long MostStatistics = 256 << 20;

    /// <summary>Fits the layers of a model.</summary>
    /// <param name="layers">In the order of the graph.</param>
    /// <param name="normalizations">The same; none where nothing is to change.</param>
    /// <param name="fit">Gives the weights of one group of a layer, [outputs, 1 + inputs]; the very same array where they stay as they are.</param>
    /// <exception cref="CalibrationException">There is no sample, or one cannot be run.</exception>
    internal static void Run(
        Model original, Model pruned, IReadOnlyList<RefittedLayer> layers, IReadOnlyList<NormalizationRefit> normalizations, PassContext context, Func<RegressionTask, float[]> fit)
    {
        Dataset samples = context.Calibration!.Take(MostSamples);
        if (samples.Count == 0)
        {
            throw new CalibrationException("there is no calibration sample");
        }

        Dictionary<Node, int> order = pruned.Graph.TopologicalOrder().Select((node, i) => (node, i)).ToDictionary();
        int done = 0;
        int normalized = 0;
        foreach (RefittedLayer[] stage in Stages(layers))
        {
            int behind = normalized;
            while (behind < normalizations.Count && order[normalizations[behind].Node] < order[stage[0].Node])
            {
                behind++;
            }

            NormalizationRefit.Run(original, pruned, [.. normalizations.Take(normalized..behind)], samples, context.CancellationToken);
            normalized = behind;
            LayerSamples[] gathered = Gather(original, pruned, stage, samples, context.CancellationToken);
            for (int l = 0; l < stage.Length; l++)
            {
                RefittedLayer layer = stage[l];
                float[][] fitted = new float[layer.Groups][];
                int changed = 0;
                Parallel.For(0, layer.Groups, RegressionMoments.Options(context.CancellationToken), group =>
                {
                    RegressionTask task = gathered[l].Task(group);
                    fitted[group] = fit(task);
                    if (fitted[group] != task.Weights && Array.TrueForAll(fitted[group], float.IsFinite))
                    {
                        Interlocked.Exchange(ref changed, 1);
                    }
                    else
                    {
                        fitted[group] = task.Weights;
                    }
                });
                if (changed != 0)
                {
                    layer.Store([.. fitted.SelectMany(weights => weights)]);
                }

                context.Progress?.Report(++done / (double)layers.Count);
            }
        }

        NormalizationRefit.Run(original, pruned, [.. normalizations.Skip(normalized)], samples, context.CancellationToken);
    }

    private static LayerSamples[] Gather(Model original, Model pruned, RefittedLayer[] stage, Dataset samples, CancellationToken cancellation)
    {
        LayerSamples[] gathered = [.. stage.Select(layer => new LayerSamples(layer, samples.Count))];
        IEnumerable<SampleActivations> read = OrderedActivations.Read(pruned, [.. stage.Select(layer => layer.Read)], samples, cancellation);
        IEnumerable<SampleActivations> given = OrderedActivations.Read(original, [.. stage.Select(layer => layer.Target)], samples, cancellation);
        int number = 0;
        foreach ((SampleActivations now, SampleActivations before) in read.Zip(given))
        {
            try
            {
                Parallel.For(0, stage.Length, RegressionMoments.Options(cancellation), l => gathered[l].Add(now, before, number, cancellation));
            }
            catch (AggregateException failures) when (failures.InnerExceptions.OfType<CalibrationException>().FirstOrDefault() is { } refused)
            {
                throw new CalibrationException(refused.Message);
            }

            number++;
        }

        return gathered;
    }

    /// <summary>Layers next to each other, as many at once as the number of stages asks for and the memory for their moments allows.</summary>
    private static IEnumerable<RefittedLayer[]> Stages(IReadOnlyList<RefittedLayer> layers)
    {
        int layersOfStage = (layers.Count + MostStages - 1) / MostStages;
        List<RefittedLayer> stage = [];
        long bytes = 0;
        foreach (RefittedLayer layer in layers)
        {
            long needed = LayerSamples.BytesOf(layer);
            if (stage.Count == layersOfStage || (stage.Count > 0 && bytes + needed > MostStatistics))
            {
                yield return [.. stage];
                stage.Clear();
                bytes = 0;
            }

            stage.Add(layer);
            bytes += needed;
        }

        if (stage.Count > 0)
        {
            yield return [.. stage];
        }
    }
}
