using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Two of Relu, Clip, Max(x, c) and Min(x, c) in a row → one. min(max(min(max(x, a), b), c), d) = min(max(x, a′), b′) with
/// a′ = min(max(a, c), d) and b′ = min(max(b, c), d), since clamping is monotonic. [0, ∞) becomes Relu, anything else Clip. Each new bound is one of the old
/// ones, so nothing is rounded. For float32, float16, and double since operator set 12, before which ONNX Runtime has no Clip of doubles; what becomes of NaN
/// and of the sign of −0 the specification leaves open. A bound that a Clip leaves out is the largest number, so that a side that admits infinity has to name it;
/// before operator set 11 it can't.
/// </summary>
internal sealed class MergeClamps : IGraphRule
{
    /// <summary>The first operator set whose Clip ONNX Runtime computes in doubles (OperatorKernels.md).</summary>
    private const long DoubleClipSince = 12;

    public string Name => "activation merging";

    public bool Matches(Node node) => ClampRange.IsClamp(node);

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        if (ClampRange.From(node, context) is not { } outer || outer.Input is not { Uses.Count: 1, IsOutput: false, Producer: { } first } || first.Graph != node.Graph
            || ClampRange.From(first, context) is not { } inner
            || context.TypeOf(inner.Input)?.ElementType is not { } type || !Takes(type, node.Graph.Model.Opset))
        {
            return RuleOutcome.NotApplicable;
        }

        double low = Math.Min(Math.Max(inner.Low, outer.Low), outer.High);
        double high = Math.Min(Math.Max(inner.High, outer.Low), outer.High);
        bool isRelu = low == 0 && double.IsPositiveInfinity(high);
        if (!isRelu && node.Graph.Model.Opset < ClampRange.BoundsInputSince && (double.IsInfinity(low) || double.IsInfinity(high)))
        {
            return RuleOutcome.Refused($"a Clip before operator set {ClampRange.BoundsInputSince} has two finite bounds, and the model has {node.Graph.Model.Opset}");
        }

        Node merged = isRelu
            ? node.Graph.AddNode("Relu", [inner.Input], name: node.Name)
            : Clip(node.Graph, inner.Input, low, high, type, node.Name);
        node.Output.ReplaceWith(merged.Output);
        node.Graph.Remove(node);
        first.Graph.Remove(first);
        return RuleOutcome.Applied;
    }

    private static bool Takes(ElementType type, long opset) => type is ElementType.Float or ElementType.Float16 || (type == ElementType.Double && opset >= DoubleClipSince);

    private static Node Clip(Graph graph, Value x, double low, double high, ElementType type, string name)
    {
        if (graph.Model.Opset >= ClampRange.BoundsInputSince)
        {
            return graph.AddNode("Clip", [x, Bound(low), Bound(high)], name: name);
        }

        Node clip = graph.AddNode("Clip", [x], name: name);
        return clip.Set("min", (float)low).Set("max", (float)high);

        Value? Bound(double bound) => Math.Abs(bound) == ClampRange.Largest(type) ? null : graph.AddInitializer("bound", Scalar(bound, type));
    }

    private static Tensor Scalar(double number, ElementType type) => type switch
    {
        ElementType.Double => Tensor.Scalar(number),
        ElementType.Float16 => Tensor.Scalar((Half)number),
        _ => Tensor.Scalar((float)number),
    };
}
