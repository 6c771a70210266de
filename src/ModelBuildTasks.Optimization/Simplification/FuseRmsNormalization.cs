using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Onnx.Pattern;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// x/√(mean(x²) + ε)·γ → RMSNormalization(x, γ), for a mean over the last axes (Zhang and Sennrich, "Root Mean Square Layer Normalization"; ONNX
/// Operators.md, RMSNormalization). The same formula; results differ by rounding. Needs operator set 23.
/// </summary>
internal sealed class FuseRmsNormalization : IGraphRule
{
    /// <summary>The first operator set with RMSNormalization.</summary>
    private const long Since = 23;

    private static readonly Pattern X = Any("x");

    private static readonly Pattern Root =
        Op("Sqrt", Op("Add", Op("ReduceMean", Either(Op("Pow", X, Constant(2)), Op("Mul", X, X)), Optional("axes")).Named("mean"), Constant("epsilon")));

    private static readonly Pattern Scaled =
        Op("Mul", Constant("scale"), Either(Op("Div", X, Root), Op("Mul", X, Op("Reciprocal", Root)), Op("Mul", X, Op("Div", Constant(1), Root))));

    public string Name => "RMSNormalization";

    public bool Matches(Node node) => node is { OpType: "Mul", Domain: "" };

    /// <summary>Whether the node scales a normalized value.</summary>
    internal static bool IsScale(Node node) => Scaled.Match(node) is not null;

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        if (Scaled.Match(node) is not { } match || context.TypeOf(match["x"])?.Shape is not { } shape
            || ReducedAxes.Trailing(match["mean"].Producer!, match["x"], context) is not { } axis || !ReducedAxes.Spans(match["scale"], shape, axis)
            || ChannelAffine.Doubles(match["epsilon"].Constant) is not [var epsilon] || context.RankOf(node.Output) != shape.Count || !FusedKernels.Take(match["x"], context))
        {
            return RuleOutcome.NotApplicable;
        }

        if (match.ReadOutside is { } inner)
        {
            return RuleOutcome.Refused($"'{inner.Name}', a part of its normalization, is used by another node");
        }

        if (node.Graph.Model.Opset < Since)
        {
            return RuleOutcome.Refused($"it ends a root mean square normalization, which needs operator set {Since}, and the model has {node.Graph.Model.Opset}");
        }

        Node fused = node.Graph.AddNode("RMSNormalization", [match["x"], ReducedAxes.Without(match["scale"], shape, axis)], name: node.Name);
        fused.Set("axis", axis - shape.Count).Set("epsilon", (float)epsilon);
        match.ReplaceWith(fused.Output);
        return RuleOutcome.Applied;
    }
}
