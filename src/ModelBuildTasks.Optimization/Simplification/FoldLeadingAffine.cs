using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Conv ∘ (BatchNormalization, Mul, Div, Add or Sub with one constant a channel) → Conv (ConvTranspose, Gemm and MatMul alike). W·(x·s + t) + b gives W' = W·s along the
/// input channels and b' = b + Σ W·t, for a MatMul in the Add behind it. A shift is safe only without padding: the padded border is zero after the shift,
/// not before it. One constant for all channels may also stand before a Reshape, Flatten, Transpose, Squeeze or Unsqueeze, which only move what it makes.
/// </summary>
internal sealed class FoldLeadingAffine : IGraphRule
{
    public string Name => "folding into the following layer";

    public bool Matches(Node node) => node.Domain.Length == 0 && node.OpType is "Conv" or "ConvTranspose" or "Gemm" or "MatMul";

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        Node? move = node.Input(0)?.Producer is { } next && IsMove(next) ? next : null;
        if ((move ?? node).Input(0)?.Producer is not { } before || before.Graph != node.Graph || (node.OpType == "Gemm" && node.GetInt("transA", 0) != 0)
            || !(ChannelAffine.IsArithmetic(before) || (move is null && ChannelAffine.IsNormalization(before))))
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

        if (layer.IsMatMul && (FuseRmsNormalization.IsScale(before) || FuseLayerNormalization.IsScaleOrShift(before)))
        {
            return RuleOutcome.Refused($"{LinearLayer.Describe(before)} belongs to a normalization, which ONNX Runtime computes at once");
        }

        // A product sums over the last axis of its input, whatever stands before.
        int channelAxis = layer.IsMatMul ? rank - 1 : 1;

        ChannelAffine? affine = move is not null ? FromUniform(before, layer.InputChannels, context)
            : !ChannelAffine.IsNormalization(before) ? ChannelAffine.FromArithmetic(before, rank, channelAxis, layer.InputChannels)
            : channelAxis == 1 ? ChannelAffine.FromNormalization(before, out _)
            : null;
        if (affine is null || affine.Scale.Length != layer.InputChannels || !SpansChannels(move?.Output ?? affine.Input, rank, channelAxis, layer.InputChannels, context))
        {
            return RuleOutcome.NotApplicable;
        }

        if (new[] { before.Output, node.Input(0)! }.FirstOrDefault(value => value.Uses.Count > 1 || value.IsOutput) is { } shared)
        {
            return RuleOutcome.Refused($"'{shared.Name}' is used by another node");
        }

        if (layer.AbsorbBefore(affine, before, context.Growth, context.Shifts) is { } problem)
        {
            return RuleOutcome.Refused(problem);
        }

        (move ?? node).SetInput(0, affine.Input);
        node.Graph.Remove(before);
        return RuleOutcome.Applied;
    }

    private static bool IsMove(Node node) => node.Domain.Length == 0 && node.OpType is "Reshape" or "Flatten" or "Transpose" or "Squeeze" or "Unsqueeze";

    /// <summary>Arithmetic with one constant for all elements: no axis is the channels'.</summary>
    private static ChannelAffine? FromUniform(Node arithmetic, int channels, RuleContext context)
    {
        const int None = -1;
        return context.RankOf(arithmetic.Output) is { } rank && ChannelAffine.FromArithmetic(arithmetic, rank, None, channels) is { } affine && context.RankOf(affine.Input) == rank
            ? affine
            : null;
    }

    /// <summary>Otherwise the constant would have widened the input, which the layer alone does not.</summary>
    private static bool SpansChannels(Value input, int rank, int channelAxis, int channels, RuleContext context) =>
        context.TypeOf(input)?.Shape is { } shape && shape.Count == rank && shape[channelAxis].Size == channels;
}
