using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Quantization.Equalization;

/// <summary>
/// W₂·f(W₁·x) = (W₂·S⁻¹)·f((S·W₁)·x) for f(s·x) = s·f(x): scales the channels between layers so that the one step of a quantized tensor serves
/// all of them. The float model computes what it did. Scales are s[c] = (R/r[c])^a, with r the largest magnitude of a channel, R that of its tensor, and that a
/// for each group of tensors that adds the least rounding noise; none where the prediction does not improve. Without samples, weights stand in for them.
/// </summary>
/// <remarks>
/// Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019; Meller et al., "Same, Same But Different", ICML 2019. Those weigh weights
/// of one scale for each tensor; here the weights of what makes a channel have a scale of their own, so that activations are weighed against the weights that read them.
/// </remarks>
public sealed class CrossLayerEqualization : IModelPass
{
    public string Name => "cross-layer equalization";

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        if (context.Target.Activations is null)
        {
            return PassOutcome.Refused($"The target '{context.Target}' has no kernels for quantized activations.");
        }

        ChannelGroups groups = new(model.Graph, new RuleContext(ShapeInference.Infer(model.Graph), context.Target));
        Value[][] connected = [.. groups.Connected().Where(values => values.Any(value => groups.Of(value)!.Any(number => !groups.IsHeld(number))))];
        if (connected.Length == 0)
        {
            return PassOutcome.Refused("No tensor lies between layers that could take up a scale of its channels.");
        }

        try
        {
            return Equalize(model, groups, connected, context);
        }
        catch (CalibrationException exception)
        {
            return PassOutcome.Refused($"Calibration failed: {exception.Message}.");
        }
    }

    private static PassOutcome Equalize(Model model, ChannelGroups groups, Value[][] connected, PassContext context)
    {
        Value[] all = [.. connected.SelectMany(values => values)];
        bool hasSamples = context.Calibration is { Count: > 0 };
        Dictionary<Value, ChannelRanges> ranges = hasSamples ? ChannelRanges.Observed(model, groups, all, context.Calibration!, context) : ChannelRanges.Estimated(groups, all);
        Dictionary<Node, LayerWeights> weights = groups.Layers.ToDictionary(entry => entry.Key, entry => new LayerWeights(entry.Value));
        NoiseGain gains = new(groups, weights);
        Dictionary<int, double> scales = [];
        int scaled = 0;
        double ratios = 0;
        foreach (Value[] values in connected)
        {
            context.CancellationToken.ThrowIfCancellationRequested();
            ScalingNoise noise = ScalingNoise.Between(groups, values, ranges, weights, gains, context.Target);
            (IReadOnlyDictionary<int, double> best, double before, double after) = new ChannelScales(groups, values, ranges, noise, hasSamples).Best();
            scaled += best.Count > 0 ? 1 : 0;
            ratios += before > 0 ? after / before : 1;
            foreach ((int number, double scale) in best)
            {
                scales[number] = scale;
            }
        }

        if (scaled == 0)
        {
            return PassOutcome.Refused($"None of {connected.Length} groups of channels would be rounded less.");
        }

        ModelSnapshot unscaled = model.TakeSnapshot();
        foreach (Node node in groups.Layers.Keys)
        {
            if (Rescale(node, groups, scales) is { } reason)
            {
                model.Restore(unscaled);
                return PassOutcome.Refused($"Scaled channels would not be exact: {reason}.");
            }
        }

        return PassOutcome.Applied(FormattableString.Invariant(
            $"The channels of {scaled} of {connected.Length} groups of tensors were scaled; their predicted rounding noise fell to {ratios / connected.Length:0%} on average."));
    }

    /// <returns>Why it cannot be done exactly, with the model half done; null when it was.</returns>
    private static string? Rescale(Node node, ChannelGroups groups, Dictionary<int, double> scales)
    {
        (Value input, Value output) = (node.Inputs[0]!, node.Output);
        double[] before = [.. groups.Of(input)!.Select(number => 1 / scales.GetValueOrDefault(number, 1))];
        double[] after = [.. groups.Of(output)!.Select(number => scales.GetValueOrDefault(number, 1))];
        string? reason = null;
        if (before.Any(scale => scale != 1))
        {
            reason = LinearLayer.From(node, out _)!.AbsorbBefore(new ChannelAffine(input, before, new double[before.Length]), node, GrowthBudget.Unlimited, new ShiftShares());
        }

        if (reason is null && after.Any(scale => scale != 1))
        {
            reason = LinearLayer.From(node, out _)!.AbsorbAfter(new ChannelAffine(output, after, new double[after.Length]), node, GrowthBudget.Unlimited);
        }

        return reason;
    }
}
