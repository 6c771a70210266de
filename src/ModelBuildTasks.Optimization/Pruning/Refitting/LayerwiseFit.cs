using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Pruning.Refitting;

/// <summary>
/// Walks through a model from its inputs on and fits its layers to what the original model gives there, each on what the layers fitted before make it read:
/// a layer so makes up for the errors of those in front of it, too. Statistics of normalizations between them are estimated again on the way.
/// </summary>
/// <remarks>
/// Layers of which none reads what another makes are fitted together. Those behind each other never are: a layer that was fitted to the shrunken results of one that
/// is only then mended errs more than before.
/// </remarks>
internal static class LayerwiseFit
{
    /// <summary>More samples cost time and tell little that is new: GPTQ and SparseGPT use 128 sequences, each of many rows.</summary>
    private const int MostSamples = 256;

    /// <summary>Bytes of moments that are held at once, or those of the largest layer: more layers take another run.</summary>
    private const long MostStatistics = 256 << 20;

    /// <summary>Fits the layers of a model.</summary>
    /// <param name="fit">Gives the weights of one group of a layer, [outputs, 1 + inputs]; the very same array where they stay as they are.</param>
    /// <exception cref="CalibrationException">There is no sample, or one cannot be run.</exception>
    internal static void Run(
        Model original, Model pruned, IReadOnlyList<RefittedLayer> layers, IReadOnlyList<NormalizationRefit> normalizations, PassContext context, Func<RegressionTask, float[]> fit)
    {
        Dataset samples = Samples(context);
        Dictionary<Node, int> depths = Depths(pruned.Graph, layers);
        ILookup<int, NormalizationRefit> normalizationsBehind = normalizations.ToLookup(normalization => depths[normalization.Node]);
        int done = 0;
        Normalize(0);
        foreach (IGrouping<int, RefittedLayer> depth in layers.GroupBy(layer => depths[layer.Node]).OrderBy(depth => depth.Key))
        {
            foreach (RefittedLayer[] together in WithinMemory(depth))
            {
                LayerSamples[] gathered = Gather(original, pruned, together, samples, context.CancellationToken);
                for (int l = 0; l < together.Length; l++)
                {
                    Fit(together[l], gathered[l], fit, context.CancellationToken);
                    context.Progress?.Report(++done / (double)layers.Count);
                }
            }

            Normalize(depth.Key);
        }

        // Biases and offsets from before: ONNX Runtime warns of each when it loads the model.
        pruned.Graph.RemoveUnused();

        void Normalize(int depth) => NormalizationRefit.Run(original, pruned, [.. normalizationsBehind[depth]], samples, context.CancellationToken);
    }

    /// <summary>Shows the least squares of every layer of a model that nothing was pruned of yet.</summary>
    /// <param name="look">Gets those of each group with its number; from several threads, in any order.</param>
    /// <inheritdoc cref="Run"/>
    internal static void Look(Model model, Model copy, IReadOnlyList<RefittedLayer> layers, PassContext context, Action<RegressionTask, int> look)
    {
        Dataset samples = Samples(context);
        foreach (RefittedLayer[] together in WithinMemory(layers))
        {
            LayerSamples[] gathered = Gather(model, copy, together, samples, context.CancellationToken);
            for (int l = 0; l < together.Length; l++)
            {
                Parallel.For(0, together[l].Groups, RegressionMoments.Options(context.CancellationToken), group => look(gathered[l].Task(group), group));
            }
        }
    }

    private static void Fit(RefittedLayer layer, LayerSamples samples, Func<RegressionTask, float[]> fit, CancellationToken cancellation)
    {
        float[][] fitted = new float[layer.Groups][];
        bool[] isChanged = new bool[layer.Groups];
        Parallel.For(0, layer.Groups, RegressionMoments.Options(cancellation), group =>
        {
            RegressionTask task = samples.Task(group);
            float[] weights = fit(task);
            isChanged[group] = weights != task.Weights && Array.TrueForAll(weights, float.IsFinite);
            fitted[group] = isChanged[group] ? weights : task.Weights;
        });
        if (isChanged.Contains(true))
        {
            layer.Store([.. fitted.SelectMany(weights => weights)]);
        }
    }

    private static Dataset Samples(PassContext context)
    {
        Dataset samples = HeldSamples.Of(context.Calibration!.Take(MostSamples));
        return samples.Count > 0 ? samples : throw new CalibrationException("there is no calibration sample");
    }

    /// <summary>For each node, the most layers that lie on one way to it, itself included.</summary>
    private static Dictionary<Node, int> Depths(Graph graph, IReadOnlyList<RefittedLayer> layers)
    {
        HashSet<Node> counted = [.. layers.Select(layer => layer.Node)];
        Dictionary<Node, int> depths = [];
        foreach (Node node in graph.TopologicalOrder())
        {
            // Nested graphs read values of this one, too.
            IEnumerable<Value?> read = node.Inputs.Concat(node.Subgraphs.SelectMany(nested => nested.WithSubgraphs()).SelectMany(nested => nested.Nodes).SelectMany(inner => inner.Inputs));
            int before = read.Select(value => value?.Producer is { } producer ? depths.GetValueOrDefault(producer) : 0).DefaultIfEmpty().Max();
            depths[node] = before + (counted.Contains(node) ? 1 : 0);
        }

        return depths;
    }

    private static LayerSamples[] Gather(Model original, Model pruned, RefittedLayer[] together, Dataset samples, CancellationToken cancellation)
    {
        LayerSamples[] gathered = [.. together.Select(layer => new LayerSamples(layer, samples.Count))];
        IEnumerable<SampleActivations> read = OrderedActivations.Read(pruned, [.. together.Select(layer => layer.Read)], samples, cancellation);
        IEnumerable<SampleActivations> given = OrderedActivations.Read(original, [.. together.Select(layer => layer.Target)], samples, cancellation);
        int number = 0;
        foreach ((SampleActivations now, SampleActivations before) in read.Zip(given))
        {
            try
            {
                Parallel.For(0, together.Length, RegressionMoments.Options(cancellation), l => gathered[l].Add(now, before, number, cancellation));
            }
            catch (AggregateException failures) when (failures.InnerExceptions.OfType<CalibrationException>().FirstOrDefault() is { } refused)
            {
                throw new CalibrationException(refused.Message);
            }

            number++;
        }

        return gathered;
    }

    /// <summary>Layers one after the other, as many at once as the memory for their moments allows.</summary>
    private static IEnumerable<RefittedLayer[]> WithinMemory(IEnumerable<RefittedLayer> layers)
    {
        List<RefittedLayer> together = [];
        long bytes = 0;
        foreach (RefittedLayer layer in layers)
        {
            long needed = LayerSamples.BytesOf(layer);
            if (together.Count > 0 && bytes + needed > MostStatistics)
            {
                yield return [.. together];
                together.Clear();
                bytes = 0;
            }

            together.Add(layer);
            bytes += needed;
        }

        if (together.Count > 0)
        {
            yield return [.. together];
        }
    }
}
