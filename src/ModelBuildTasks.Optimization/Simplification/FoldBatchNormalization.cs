using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// BatchNormalization ∘ Conv → Conv (ConvTranspose, Gemm, MatMul alike). With s = γ/√(σ²+ε): W' = s·W, b' = (b−μ)·s + β, a scale and
/// shift for each output channel. Safe when W, b and the statistics are constant, W has no other use, and nothing else reads
/// what the convolution makes.
/// </summary>
internal sealed class FoldBatchNormalization : IGraphRule
{
    public string Name => "batch normalization folding";

    public bool Matches(Node node) => ChannelAffine.IsNormalization(node);

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        if (ChannelAffine.FromNormalization(node, out string? reason) is not { } affine)
        {
            return RuleOutcome.Refused(reason!);
        }

        if (affine.Input.Producer is not { } producer || !LinearLayer.IsLinear(producer) || producer.Graph != node.Graph)
        {
            return RuleOutcome.NotApplicable;
        }

        if (affine.Input.Uses.Count > 1 || affine.Input.IsOutput)
        {
            return RuleOutcome.Refused($"'{affine.Input.Name}' is used by another node");
        }

        if (LinearLayer.From(producer, out reason) is not { } layer)
        {
            return reason is null ? RuleOutcome.NotApplicable : RuleOutcome.Refused(reason);
        }

        if (affine.Scale.Length != layer.OutputChannels)
        {
            return RuleOutcome.NotApplicable;
        }

        if (layer.IsMatMul)
        {
            return ThroughGemm(node, layer, affine, context);
        }

        if (layer.AbsorbAfter(affine, node, context.Growth) is { } problem)
        {
            return RuleOutcome.Refused(problem);
        }

        node.Output.ReplaceWith(producer.Output);
        node.Graph.Remove(node);
        return RuleOutcome.Applied;
    }

    /// <summary>Normalized channels stand on axis 1, which is the product's last axis only for matrices; a Gemm then takes the shift.</summary>
    private static RuleOutcome ThroughGemm(Node node, LinearLayer product, ChannelAffine affine, RuleContext context)
    {
        if (context.RankOf(affine.Input) != 2)
        {
            return RuleOutcome.Refused($"{LinearLayer.Describe(product.Node)} is not known to make a matrix");
        }

        Value?[] inputs = [.. product.Node.Inputs];
        string name = product.Node.Name;
        node.SetInput(0, null);
        node.Graph.Remove(product.Node);
        Node gemm = node.Graph.AddNode("Gemm", inputs, name: name);
        string? problem = LinearLayer.From(gemm, out string? reason) is { } layer ? layer.AbsorbAfter(affine, node, context.Growth) : reason;
        if (problem is not null)
        {
            // A scale may overflow the weights; the product is then put back as it was.
            node.Graph.Remove(gemm);
            node.SetInput(0, node.Graph.AddNode("MatMul", inputs, name: name).Output);
            return RuleOutcome.Refused(problem);
        }

        node.Output.ReplaceWith(gemm.Output);
        node.Graph.Remove(node);
        return RuleOutcome.Applied;
    }
}
