using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Mul, Div, Add or Sub with one constant a channel, after a Conv, ConvTranspose, Gemm or MatMul → the layer alone. y·s + t moves
/// into W' = s·W and b' = s·b + t. Safe when W and b are constant, W has no other use, and nothing else reads y.
/// </summary>
internal sealed class FoldChannelArithmetic : IGraphRule
{
    public string Name => "channel arithmetic folding";

    public bool Matches(Node node) => ChannelAffine.IsArithmetic(node);

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        Value? input = node.Inputs.FirstOrDefault(candidate => candidate is { Constant: null });
        if (node.Inputs.Count(candidate => candidate?.Constant is not null) != 1
            || input?.Producer is not { } producer || !LinearLayer.IsLinear(producer) || producer.Graph != node.Graph)
        {
            return RuleOutcome.NotApplicable;
        }

        if (LinearLayer.From(producer, out string? reason) is not { } layer)
        {
            return reason is null ? RuleOutcome.NotApplicable : RuleOutcome.Refused(reason);
        }

        int? rank = layer.Rank ?? context.RankOf(input);
        if (rank is null || ChannelAffine.FromArithmetic(node, rank.Value, layer.IsMatMul || producer.OpType == "Gemm" ? rank.Value - 1 : 1, layer.OutputChannels) is not { } affine
            || (layer.IsMatMul && affine.HasShift))
        {
            return RuleOutcome.NotApplicable;
        }

        if (input.Uses.Count > 1 || input.IsOutput)
        {
            return RuleOutcome.Refused($"'{input.Name}' is used by another node");
        }

        if (layer.AbsorbAfter(affine, node, context.Growth) is { } problem)
        {
            return RuleOutcome.Refused(problem);
        }

        node.Output.ReplaceWith(producer.Output);
        node.Graph.Remove(node);
        return RuleOutcome.Applied;
    }
}
