using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Onnx.Pattern;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// d/√(mean(d²) + ε)·γ + β with d = x − mean(x) → LayerNormalization(x, γ, β), for means over the last axes, the sum with β optional (Ba et al., "Layer
/// Normalization"; ONNX Operators.md, LayerNormalization). The same formula; results differ by rounding. Needs operator set 17.
/// </summary>
internal sealed class FuseLayerNormalization : IGraphRule
{
    /// <summary>The first operator set with LayerNormalization.</summary>
    private const long Since = 17;

    private static readonly Pattern Deviation = Op("Sub", Any("x"), Mean("mean", Any("x"))).Named("d");

    private static readonly Pattern Root = Op("Sqrt", Op("Add", Mean("variance", Either(Op("Pow", Deviation, Constant(2)), Op("Mul", Deviation, Deviation))), Constant("epsilon")));

    private static readonly Pattern Scaled = Op("Mul", Constant("scale"), Either(Op("Div", Deviation, Root), Op("Mul", Deviation, Op("Reciprocal", Root)), Op("Mul", Deviation, Op("Div", Constant(1), Root))));

    private static readonly Pattern Shifted = Op("Add", Scaled, Constant("bias"));

    public string Name => "LayerNormalization";

    public bool Matches(Node node) => node is { OpType: "Add" or "Mul", Domain: "" };

    /// <summary>Whether the node scales a normalized value, or shifts a scaled one.</summary>
    internal static bool IsScaleOrShift(Node node) => (Shifted.Match(node) ?? Scaled.Match(node)) is not null;

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        if (IsShiftedLater(node) || (Shifted.Match(node) ?? Scaled.Match(node)) is not { } match || !FusedKernels.Take(match["x"], context)
            || context.TypeOf(match["x"])?.Shape is not { } shape || context.RankOf(node.Output) != shape.Count
            || AxisOf(match, context) is not { } axis || !HasParameters(match, shape, axis)
            || ChannelAffine.Doubles(match["epsilon"].Constant) is not [var epsilon])
        {
            return RuleOutcome.NotApplicable;
        }

        if (match.ReadOutside is { } inner)
        {
            return RuleOutcome.Refused($"'{inner.Name}', a part of its layer normalization, is used by another node");
        }

        if (node.Graph.Model.Opset < Since)
        {
            return RuleOutcome.Refused($"it ends a layer normalization, which needs operator set {Since}, and the model has {node.Graph.Model.Opset}");
        }

        Value? shift = match.Find("bias") is { } bias ? ReducedAxes.Without(bias, shape, axis) : null;
        Node fused = node.Graph.AddNode("LayerNormalization", [match["x"], ReducedAxes.Without(match["scale"], shape, axis), shift], name: node.Name);
        fused.Set("axis", axis - shape.Count).Set("epsilon", (float)epsilon);
        match.ReplaceWith(fused.Output);
        return RuleOutcome.Applied;
    }

    /// <summary>A product that a constant is added to is matched from that sum.</summary>
    private static bool IsShiftedLater(Node node) =>
        node.OpType == "Mul" && node.Output.Uses is [{ Node: { OpType: "Add", Domain: "" } sum }] && Shifted.Match(sum) is not null;

    /// <summary>The first of the axes that both means are over.</summary>
    private static long? AxisOf(PatternMatch match, RuleContext context) =>
        ReducedAxes.Trailing(match["mean"].Producer!, match["x"], context) is { } axis && ReducedAxes.Trailing(match["variance"].Producer!, match["d"], context) == axis ? axis : null;

    private static bool HasParameters(PatternMatch match, IReadOnlyList<Dimension> shape, long axis) =>
        ReducedAxes.Spans(match["scale"], shape, axis) && (match.Find("bias") is not { } bias || ReducedAxes.Spans(bias, shape, axis));

    private static Pattern Mean(string name, Pattern of) => Op("ReduceMean", of, Optional($"axes of the {name}")).Named(name);
}
