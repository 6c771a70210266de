using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// Post-training static quantization in Q/DQ form (B. Jacob et al., "Quantization and Training of Neural Networks for Efficient
/// Integer-Arithmetic-Only Inference", 2018): activations with one scale a tensor from calibration, weights with one scale an
/// output channel, 32-bit biases at the product of both. Only operators that the target's kernels run on integers take part.
/// </summary>
public sealed class StaticQuantization : IModelPass
{
    /// <summary>Per-channel scales came with operator set 13 (QuantizeLinear-13).</summary>
    private const long PerChannelOpset = 13;

    public string Name => "static int8 quantization";

    public PassOutcome Apply(Model model, PassContext context)
    {
        if (context.Target.Activations is not { } type)
        {
            return PassOutcome.Refused($"Integer kernels do not pay on {context.Target}.");
        }

        if (context.Calibration is null)
        {
            return PassOutcome.Refused("It needs calibration data.");
        }

        if (QuantizedModels.AlreadyQuantized(model) is { } already)
        {
            return PassOutcome.Refused($"The model is left as it is: {already}.");
        }

        // Rehearsed on a copy: until the ranges are known to be usable, the model stays as it is.
        Model rehearsal = model.Clone();
        if (Lift(rehearsal) is { } reason)
        {
            return PassOutcome.Refused($"It needs operator set {PerChannelOpset}, and the model has {model.Opset}: {reason}.");
        }

        IntegerRegion rehearsed = IntegerRegion.Select(rehearsal.Graph);
        if (rehearsed.Nodes.Count == 0)
        {
            return PassOutcome.Refused("No convolution or product of matrices can run on integers.", rehearsed.Refusals);
        }

        string[] observed = [.. Observed(rehearsed).Select(value => value.Name)];
        IReadOnlyDictionary<string, ActivationRange> ranges = MinMaxCalibration.Run(rehearsal, observed, context.Calibration, context);
        if (Array.Find(observed, name => !IsUsable(ranges[name])) is { } unusable)
        {
            return PassOutcome.Refused($"'{unusable}' takes infinite or undefined values on the calibration data.", rehearsed.Refusals);
        }

        Lift(model);
        IntegerRegion region = IntegerRegion.Select(model.Graph);
        Dictionary<Value, QuantizationParameters> parameters = Observed(region).ToDictionary(
            value => value,
            value => QuantizationParameters.For(ranges[value.Name].Min, ranges[value.Name].Max, type, context.Target.SymmetricActivations));
        ShareThroughMoves(region, parameters);
        QdqInsertion insertion = new(model.Graph, context.Target, parameters);
        foreach ((Node node, bool quantizesOutput) in region.Nodes.Select(node => (node, region.QuantizesOutput(node))).ToArray())
        {
            insertion.Insert(node, quantizesOutput);
        }

        model.Graph.RemoveUnused();
        int products = region.Nodes.Count(IntegerOperators.HasIntegerProduct);
        return PassOutcome.Applied(
            $"{products} of {products + region.Refusals.Count} convolutions and products run on integers ({context.Target.WeightBits}-bit weights, a scale a channel; {observed.Length} ranges from {context.Calibration.Count} samples).",
            region.Refusals);
    }

    private static string? Lift(Model model) => model.Opset < PerChannelOpset ? OpsetUpgrade.TryLift(model, PerChannelOpset) : null;

    /// <summary>Values whose range decides a scale: inputs that come in as floats, and outputs that are quantized. What only moves numbers has its input's.</summary>
    private static IEnumerable<Value> Observed(IntegerRegion region)
    {
        HashSet<Value> seen = [];
        foreach (Node node in region.Nodes)
        {
            foreach (Value input in IntegerOperators.ActivationInputs(node).Select(index => node.Input(index)!))
            {
                if (!region.IsProducedAsInteger(input) && seen.Add(input))
                {
                    yield return input;
                }
            }

            if (!IntegerOperators.Moves(node) && region.QuantizesOutput(node) && seen.Add(IntegerRegion.OutputOf(node)))
            {
                yield return IntegerRegion.OutputOf(node);
            }
        }
    }

    private static void ShareThroughMoves(IntegerRegion region, Dictionary<Value, QuantizationParameters> parameters)
    {
        foreach (Node node in region.Nodes.Where(IntegerOperators.Moves))
        {
            parameters[IntegerRegion.OutputOf(node)] = parameters[node.Input(0)!];
        }
    }

    private static bool IsUsable(ActivationRange range) => !range.IsEmpty && float.IsFinite(range.Min) && float.IsFinite(range.Max);
}
