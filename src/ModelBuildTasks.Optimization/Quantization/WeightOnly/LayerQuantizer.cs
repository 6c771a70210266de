using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>
/// Finds the codes of every layer's weights. Moments of inputs are gathered for as many layers at a time as a limit of memory allows, in the order of the
/// graph; the float model computes them throughout, so that the result does not depend on that limit.
/// </summary>
internal sealed class LayerQuantizer(BlockFormat format, WeightOnlyAlgorithm algorithm, PassContext context)
{
    /// <summary>Bytes of moments that are held at once. Each further group of layers costs another run of the samples up to its last layer.</summary>
    private const long MostMomentBytes = 256L << 20;

    private int withMoments;
    private int blind;

    /// <summary>Which algorithms were used, for people.</summary>
    internal string Summary => string.Join(", ", new[]
    {
        (Count: withMoments, Name: UsesGptq ? "GPTQ" : $"{Scaling.Name} weighted by calibration samples"),
        (Count: blind, Name: Scaling.Name),
    }.Where(part => part.Count > 0).Select(part => $"{part.Count} by {part.Name}"));

    private bool UsesGptq => algorithm is WeightOnlyAlgorithm.Gptq or WeightOnlyAlgorithm.Auto;

    private bool UsesMoments => context.Calibration is not null && algorithm is not (WeightOnlyAlgorithm.RoundToNearest or WeightOnlyAlgorithm.HalfQuadratic);

    private IBlockScaling Scaling => format.IsBinary ? new BinaryScaling() : algorithm switch
    {
        WeightOnlyAlgorithm.RoundToNearest => new RoundToNearest(),
        WeightOnlyAlgorithm.HalfQuadratic => new HalfQuadratic(),
        _ => new ScaleSearch(),
    };

    /// <summary>The packed weights by <see cref="WeightOnlyLayer.Key"/>; layers that share a weight share the result.</summary>
    /// <exception cref="Calibration.CalibrationException">The calibration samples cannot be run.</exception>
    internal Dictionary<(Value, bool, float), BlockedWeight> Quantize(Model model, IReadOnlyList<WeightOnlyLayer> layers)
    {
        Dictionary<(Value, bool, float), BlockedWeight> result = [];
        WeightOnlyLayer[] distinct = [.. layers.DistinctBy(layer => layer.Key)];
        int done = 0;
        foreach (WeightOnlyLayer[] group in Groups(model, distinct))
        {
            Dictionary<Value, InputMoments> moments = Moments(model, group);
            foreach (IGrouping<Value, WeightOnlyLayer> readers in group.GroupBy(layer => layer.Input))
            {
                InputMoments? known = moments.GetValueOrDefault(readers.Key);
                float[]? factor = UsesGptq ? known?.Factor(context.CancellationToken) : null;
                foreach (WeightOnlyLayer layer in readers)
                {
                    context.CancellationToken.ThrowIfCancellationRequested();
                    result.Add(layer.Key, Quantize(layer, known, factor));
                    context.Progress?.Report(++done / (double)distinct.Length);
                }

                moments.Remove(readers.Key);
            }
        }

        return result;
    }

    private BlockedWeight Quantize(WeightOnlyLayer layer, InputMoments? moments, float[]? factor)
    {
        BlockFormat fitting = format.For(layer.Weight.Inputs);
        if (factor is not null)
        {
            withMoments++;
            return Gptq.Quantize(layer.Weight, fitting, Scaling, factor, context.CancellationToken);
        }

        bool isWeighted = moments is not null && !UsesGptq;
        withMoments += isWeighted ? 1 : 0;
        blind += isWeighted ? 0 : 1;
        return BlockQuantizer.Quantize(layer.Weight, fitting, Scaling, isWeighted ? moments!.Importance() : [], context.CancellationToken);
    }

    private Dictionary<Value, InputMoments> Moments(Model model, WeightOnlyLayer[] group)
    {
        (Value Input, int Inputs)[] values = [.. group.Where(layer => HasMoments(model, layer)).Select(layer => (layer.Input, layer.Weight.Inputs)).Distinct()];
        return values.Length == 0 ? [] : MomentCollector.Run(model, values, context.Calibration!, context.CancellationToken);
    }

    /// <summary>Layers in groups, those that read one value together.</summary>
    private IEnumerable<WeightOnlyLayer[]> Groups(Model model, WeightOnlyLayer[] layers)
    {
        List<WeightOnlyLayer> group = [];
        long bytes = 0;
        foreach (WeightOnlyLayer[] readers in layers.GroupBy(layer => layer.Input).Select(readers => readers.ToArray()))
        {
            long needed = HasMoments(model, readers[0]) ? MomentBytes(readers[0]) : 0;
            if (group.Count > 0 && bytes + needed > MostMomentBytes)
            {
                yield return [.. group];
                group.Clear();
                bytes = 0;
            }

            group.AddRange(readers);
            bytes += needed;
        }

        yield return [.. group];
    }

    /// <summary>Only values of the main graph are computed for every sample; those inside branches and loops may not be.</summary>
    private bool HasMoments(Model model, WeightOnlyLayer layer) => UsesMoments && layer.Input.Graph == model.Graph && MomentBytes(layer) <= InputMoments.MostBytes;

    private static long MomentBytes(WeightOnlyLayer layer) => sizeof(float) * (long)layer.Weight.Inputs * layer.Weight.Inputs;
}
