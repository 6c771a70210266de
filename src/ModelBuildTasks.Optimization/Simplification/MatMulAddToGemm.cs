using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// MatMul(x, W) + b → Gemm(x, W, b) for a matrix x, a constant matrix W[K, N] and a constant b of shape [N] or [1, N], which is stored as [N]. ONNX
/// Runtime does the same when it loads a float model; done here, a quantizer sees one layer with its bias.
/// </summary>
internal sealed class MatMulAddToGemm : IGraphRule
{
    public string Name => "matrix product with bias";

    public bool Matches(Node node) => node is { OpType: "Add", Domain: "" };

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        int at = node.Input(0)?.Producer is { OpType: "MatMul", Domain: "" } ? 0 : 1;
        if (node.Input(at) is not { Producer: { OpType: "MatMul", Domain: "" } product } sum || product.Graph != node.Graph
            || node.Input(1 - at) is not { Constant: { } bias } biasValue
            || product.Input(1)?.Constant is not { Dimensions.Count: 2 } weight
            || ChannelAffine.Doubles(weight) is null || bias.ElementType != weight.ElementType
            || bias.Length != weight.Dimensions[1] || bias.Dimensions.Count is < 1 or > 2 || bias.Dimensions[^1] != bias.Length
            || context.RankOf(product.Input(0)!) != 2)
        {
            return RuleOutcome.NotApplicable;
        }

        if (sum.Uses.Count > 1 || sum.IsOutput)
        {
            return RuleOutcome.Refused($"'{sum.Name}' is used by another node");
        }

        Value vector = bias.Dimensions.Count == 1 ? biasValue : node.Graph.AddInitializer(biasValue.Name, bias.WithDimensions(bias.Length));
        Value gemm = node.Graph.AddNode("Gemm", [product.Input(0), product.Input(1), vector], name: product.Name).Output;
        node.Output.ReplaceWith(gemm);
        node.Graph.Remove(node);
        node.Graph.Remove(product);
        return RuleOutcome.Applied;
    }
}
