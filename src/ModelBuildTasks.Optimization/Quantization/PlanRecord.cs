using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Quantization.MixedPrecision;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>Writes a choice down as the plan that reports show. It must be asked before the model is changed.</summary>
internal static class PlanRecord
{
    /// <param name="ranges">How the ranges of activations were found.</param>
    /// <param name="outputs">The noise of the outputs; null where it was not measured.</param>
    /// <param name="inner">The noise inside; null where it was not measured.</param>
    internal static QuantizationPlan Of(QuantizationCandidates candidates, QuantizationChoice choice, string ranges, OutputNoise? outputs = null, InnerNoise? inner = null)
    {
        HashSet<Node> shown = PlanDistributions.Shown(choice.Selection.Layers.Keys, layer => inner?.Of(layer)?.Decibels);
        return new(
            outputs?.SignalToNoise,
            OutputsOf(outputs),
            [.. LayersOf(candidates).Select(layer => PlanOf(layer, candidates, choice, inner) with { Weights = shown.Contains(layer) ? PlanDistributions.Of(choice.Selection.Layers[layer]) : null })],
            [.. Tensors(choice.Selection).Distinct().Select(value => PlanOf(value, candidates, choice.Scales, ranges, inner))])
        {
            Regions = [.. choice.Selection.Islands().Select(island => RegionOf(island, candidates, choice))],
        };
    }

    /// <summary>The plan of a calibrated model, with what its samples and its layers' sensitivities show.</summary>
    /// <param name="sensitivities">Decibels of the outputs' fidelity that a node in integers costs, as far as it was tried.</param>
    /// <inheritdoc cref="Of(QuantizationCandidates, QuantizationChoice, string, OutputNoise?, InnerNoise?)"/>
    internal static QuantizationPlan Of(
        CalibratedModel model, QuantizationChoice choice, string ranges, OutputNoise? outputs, InnerNoise? inner, IReadOnlyDictionary<Node, double> sensitivities)
    {
        QuantizationPlan plan = Of(model.Candidates, choice, ranges, outputs, inner);
        Value[] tensors = [.. Tensors(choice.Selection).Distinct()];
        HashSet<Value> shown = PlanDistributions.Shown(tensors, value => inner?.Of(value)?.Decibels);
        return plan with
        {
            Layers = [.. plan.Layers.Zip(LayersOf(model.Candidates), (layer, node) => layer with { Sensitivity = sensitivities.TryGetValue(node, out double decibels) ? decibels : null })],
            Tensors = [.. plan.Tensors.Zip(tensors, (tensor, value) => shown.Contains(value) ? tensor with { Distribution = model.DistributionOf(value) } : tensor)],
        };
    }

    /// <summary>The plan that leaves all in float.</summary>
    internal static QuantizationPlan OfFloat(QuantizationCandidates candidates, FloatNodes inFloat) => new(
        null, [], [.. LayersOf(candidates).Select(layer => new PlannedLayer(LinearLayer.Describe(layer), IsInteger: false, inFloat.ReasonOf(layer) ?? candidates.Refusals[layer]))], []);

    /// <summary>The plan of integers whose ranges are measured at each run. It must be asked before the model is changed.</summary>
    internal static QuantizationPlan OfDynamic(IEnumerable<(Node Node, int Bits)> chosen, IEnumerable<PlannedLayer> inFloat) => new(
        null, [], [.. chosen.Select(layer => new PlannedLayer(LinearLayer.Describe(layer.Node), IsInteger: true, Reason: null) { WeightBits = layer.Bits }), .. inFloat], []);

    /// <summary>The plan with the noise of the outputs as it was measured at last.</summary>
    internal static QuantizationPlan WithOutputs(QuantizationPlan plan, OutputNoise outputs) => plan with { SignalToNoise = outputs.SignalToNoise, Outputs = OutputsOf(outputs) };

    internal static string MethodOf(RangeMethod method) => method switch
    {
        RangeMethod.MinMax => "MinMax",
        RangeMethod.AverageMinMax => "MovingAverage",
        RangeMethod.Percentile => "Percentile",
        RangeMethod.Entropy => "Entropy",
        RangeMethod.MeanSquaredError => "Mse",
        _ => FormattableString.Invariant($"Mse, clipping counted {MeanSquaredErrorObserver.UsualWeightOfClipping} times"),
    };

    private static PlannedOutput[] OutputsOf(OutputNoise? outputs) => [.. (outputs?.Parts ?? []).Select(part => new PlannedOutput(part.Name, part.Decibels))];

    private static IEnumerable<Node> LayersOf(QuantizationCandidates candidates) => candidates.Order.Where(node => QuantizableOperators.IsLayer(node) || candidates.Refusals.ContainsKey(node));

    private static PlannedLayer PlanOf(Node layer, QuantizationCandidates candidates, QuantizationChoice choice, InnerNoise? inner)
    {
        bool isInteger = choice.Selection.Layers.TryGetValue(layer, out Layer? chosen);
        return new PlannedLayer(
            LinearLayer.Describe(layer), isInteger, isInteger ? null : choice.InFloat.ReasonOf(layer) ?? candidates.Refusals.GetValueOrDefault(layer))
        {
            WeightBits = isInteger ? IntegerInsertion.WeightBits(chosen!, candidates.Target) : null,
            SignalToNoise = inner?.Of(layer)?.Decibels,
        };
    }

    private static PlannedTensor PlanOf(Value value, QuantizationCandidates candidates, ScaleAssignment scales, string ranges, InnerNoise? inner)
    {
        QuantizationParameters parameters = scales[value];
        Value source = scales.SourceOf(value);
        string method = ArrivedQuantization.Of(source, candidates.Target) is not null ? "brought by the model"
            : source != value ? $"that of '{source.Name}'"
            : value.Constant is not null ? "its own numbers"
            : ranges;
        return new PlannedTensor(value.Name, parameters.Lowest, parameters.Highest, parameters.Scale, parameters.ZeroPoint, method, inner?.Of(value));
    }

    private static PlannedRegion RegionOf(Node[] island, QuantizationCandidates candidates, QuantizationChoice choice)
    {
        NodeSelection without = new(candidates, choice.InFloat.Nodes.Union(island).ToHashSet());
        return new PlannedRegion([.. island.Select(LinearLayer.Describe)], SelectionTime.Of(candidates, without) - SelectionTime.Of(candidates, choice.Selection));
    }

    /// <summary>What is stored as integers between the chosen nodes.</summary>
    internal static IEnumerable<Value> Tensors(NodeSelection selection)
    {
        foreach (Node node in selection.Nodes)
        {
            foreach (int index in QuantizableOperators.DataInputs(node))
            {
                yield return node.Input(index)!;
            }

            if (selection.GivesIntegers(node))
            {
                yield return selection.ResultOf(node);
            }
        }
    }
}
