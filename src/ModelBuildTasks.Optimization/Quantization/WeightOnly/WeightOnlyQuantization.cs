using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>
/// x·W → MatMulNBits(x, codes, scales, zero points): weights of 8, 4 or 2 bits, or signs, with activations in float. It pays where weights are read once
/// for few rows of x, as in decoding: the memory they take is what such products wait for.
/// </summary>
/// <param name="format">The form of the codes. Layers with fewer inputs than a block get smaller blocks.</param>
/// <param name="algorithm">How codes are found.</param>
public sealed class WeightOnlyQuantization(BlockFormat format, WeightOnlyAlgorithm algorithm = WeightOnlyAlgorithm.Auto) : IModelPass
{
    public string Name => format.IsBinary ? "binary weight quantization" : $"weight-only int{format.Bits} quantization";

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        if (Refusal(model, context) is { } reason)
        {
            return PassOutcome.Refused(reason);
        }

        List<string> refusals = [];
        WeightOnlyLayer[] layers = [.. Layers(model, refusals)];
        if (layers.Length == 0)
        {
            return PassOutcome.Refused("No matrix product has constant weights that could be packed.", refusals);
        }

        LayerQuantizer quantizer = new(format, algorithm, context);
        Dictionary<(Value, bool, float), BlockedWeight> weights;
        try
        {
            weights = quantizer.Quantize(model, layers);
        }
        catch (CalibrationException exception)
        {
            return PassOutcome.Refused($"Calibration failed: {exception.Message}.");
        }

        Dictionary<BlockedWeight, PackedValues> packed = new(ReferenceEqualityComparer.Instance);
        foreach (WeightOnlyLayer layer in layers)
        {
            BlockedWeight weight = weights[layer.Key];
            if (!packed.TryGetValue(weight, out PackedValues? values))
            {
                values = PackedValues.Add(layer.Stored, weight);
                packed.Add(weight, values);
            }

            layer.Rewrite(values);
        }

        model.OpsetImports[WeightOnlyLayer.Domain] = 1;
        model.IrVersion = Math.Max(model.IrVersion, IrVersions.PlainInitializers);
        model.Graph.RemoveUnused();
        return PassOutcome.Applied($"{layers.Length} matrix products read {Describe()} ({quantizer.Summary}).", refusals);
    }

    private string Describe() => format.IsBinary
        ? $"signs with a scale for each {format.BlockSize} weights, carried in {format.Bits} bits each"
        : $"weights of {format.Bits} bits in blocks of {format.BlockSize}";

    private string? Refusal(Model model, PassContext context)
    {
        if (!context.Target.RunsContributedOperators)
        {
            return $"The target '{context.Target}' knows standard operators only, and packed weights need MatMulNBits, which is ONNX Runtime's own.";
        }

        if (context.Target.ExecutionProvider != TargetProfile.CpuProvider && format.Bits == 2)
        {
            return $"The target '{context.Target}' has kernels for weights of 4 and 8 bits, none for 2.";
        }

        return algorithm == WeightOnlyAlgorithm.Gptq && context.Calibration is null
            ? "GPTQ needs calibration samples, and there are none."
            : QuantizationPreconditions.Refusal(model);
    }

    private IEnumerable<WeightOnlyLayer> Layers(Model model, List<string> refusals)
    {
        List<WeightOnlyLayer> found = [];
        foreach (Node node in model.Graph.WithSubgraphs().SelectMany(graph => graph.TopologicalOrder()).Where(node => node is { OpType: "MatMul" or "Gemm" or "Conv", Domain: "" }))
        {
            WeightOnlyLayer? layer = null;
            string? reason = node.OpType == "Conv" ? "no kernel convolves with packed weights" : null;
            if (reason is null && (layer = WeightOnlyLayer.From(node, format, out reason)) is not null)
            {
                found.Add(layer);
            }
            else
            {
                refusals.Add($"{LinearLayer.Describe(node)} keeps its weights: {reason}.");
            }
        }

        // A weight that someone still reads in float would be stored twice.
        HashSet<Node> packed = [.. found.Select(layer => layer.Node)];
        foreach (WeightOnlyLayer layer in found)
        {
            Use[] others = [.. layer.Stored.Uses.Where(use => use.Index != 1 || !packed.Contains(use.Node))];
            if (others.Length == 0 && !layer.Stored.IsOutput)
            {
                yield return layer;
            }
            else
            {
                string reader = layer.Stored.IsOutput ? "is an output" : $"is read by {LinearLayer.Describe(others[0].Node)}";
                refusals.Add($"{LinearLayer.Describe(layer.Node)} keeps its weights: '{layer.Stored.Name}' also {reader}, so that they would be stored twice.");
            }
        }
    }
}
