using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Conv ∘ (BatchNormalization, Mul, Div, Add or Sub with one constant a channel) → Conv (ConvTranspose, Gemm and MatMul alike). W·(x·s + t) + b gives W' = W·s along the
/// input channels and b' = b + Σ W·t. A shift is safe only without padding: the padded border is zero after the shift, not before it.
/// </summary>
internal sealed class FoldLeadingAffine : IGraphRule
{
    public string Name => "folding into the following layer";

    public bool Matches(Node node) => node.Domain.Length == 0 && node.OpType is "Conv" or "ConvTranspose" or "Gemm" or "MatMul";

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        if (node.Input(0)?.Producer is not { } before || before.Graph != node.Graph || (node.OpType == "Gemm" && node.GetInt("transA", 0) != 0)
            || !(ChannelAffine.IsNormalization(before) || ChannelAffine.IsArithmetic(before)))
        {
            return RuleOutcome.NotApplicable;
        }

        if (LinearLayer.From(node, out string? reason) is not { } layer)
        {
            return reason is null ? RuleOutcome.NotApplicable : RuleOutcome.Refused(reason);
        }

        if ((layer.Rank ?? context.RankOf(node.Input(0)!)) is not { } rank)
        {
            return RuleOutcome.NotApplicable;
        }

        if (layer.IsMatMul && (FuseRmsNormalization.IsScale(before) || FuseLayerNormalization.IsScale(before)))
        {
            return RuleOutcome.Refused($"{LinearLayer.Describe(before)} belongs to a normalization, which ONNX Runtime computes at once");
        }

        // A product sums over the last axis of its input, whatever stands before.
        int channelAxis = layer.IsMatMul ? rank - 1 : 1;

        ChannelAffine? affine = !ChannelAffine.IsNormalization(before) ? ChannelAffine.FromArithmetic(before, rank, channelAxis, layer.InputChannels)
            : channelAxis == 1 ? ChannelAffine.FromNormalization(before, out _)
            : null;
        if (affine is null || affine.Scale.Length != layer.InputChannels || !SpansChannels(affine.Input, rank, channelAxis, layer.InputChannels, context))
        {
            return RuleOutcome.NotApplicable;
        }

        if (before.Output.Uses.Count > 1 || before.Output.IsOutput)
        {
            return RuleOutcome.Refused($"'{before.Output.Name}' is used by another node");
        }

        if (layer.AbsorbBefore(affine) is { } problem)
        {
            return RuleOutcome.Refused(problem);
        }

        node.SetInput(0, affine.Input);
        node.Graph.Remove(before);
        return RuleOutcome.Applied;
    }

    /// <summary>Otherwise the constant would have widened the input, which the layer alone does not.</summary>
    private static bool SpansChannels(Value input, int rank, int channelAxis, int channels, RuleContext context) =>
        context.TypeOf(input)?.Shape is { } shape && shape.Count == rank && shape[channelAxis].Size == channels;
}
