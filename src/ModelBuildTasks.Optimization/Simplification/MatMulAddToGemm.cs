using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Onnx.Pattern;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// MatMul(x, W) + b → Gemm(x, W, b) for a matrix x, a constant matrix W[K, N] and a constant b of shape [N] or [1, N], which is stored as [N]. ONNX
/// Runtime does the same when it loads a float model; done here, a quantizer sees one layer with its bias.
/// </summary>
internal sealed class MatMulAddToGemm : IGraphRule
{
    private static readonly Pattern Biased = Op("Add", Op("MatMul", Any("x"), Constant("W")).Named("xW"), Constant("b"));

    public string Name => "matrix product with bias";

    public bool Matches(Node node) => node is { OpType: "Add", Domain: "" };

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        if (Biased.Match(node) is not { } match
            || match["W"].Constant is not { Dimensions.Count: 2 } weight || match["b"].Constant is not { } bias
            || !ChannelAffine.HasDoubles(weight) || bias.ElementType != weight.ElementType
            || bias.Length != weight.Dimensions[1] || bias.Dimensions.Count is < 1 or > 2 || bias.Dimensions[^1] != bias.Length
            || context.RankOf(match["x"]) != 2)
        {
            return RuleOutcome.NotApplicable;
        }

        if (match.ReadOutside is { } shared)
        {
            return RuleOutcome.Refused($"'{shared.Name}' is used by another node");
        }

        Value vector = bias.Dimensions.Count == 1 ? match["b"] : node.Graph.AddInitializer(match["b"].Name, bias.WithDimensions(bias.Length));
        match.ReplaceWith(node.Graph.AddNode("Gemm", [match["x"], match["W"], vector], name: match["xW"].Producer!.Name).Output);
        return RuleOutcome.Applied;
    }
}
