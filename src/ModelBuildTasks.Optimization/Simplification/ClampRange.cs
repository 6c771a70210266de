using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>min(max(x, Low), High), Low ≤ High: what Relu, Clip with constant bounds, and Max or Min with one constant compute.</summary>
internal sealed record ClampRange(Value Input, double Low, double High)
{
    /// <summary>The first operator set whose Clip takes its bounds as inputs.</summary>
    internal const long BoundsInputSince = 11;

    internal static bool IsClamp(Node node) => node.Domain.Length == 0 && node.OpType is "Relu" or "Clip" or "Max" or "Min";

    /// <summary>Null when the node is no clamp, or a bound is computed, or not one number.</summary>
    internal static ClampRange? From(Node node, RuleContext context)
    {
        if (!IsClamp(node) || node.Input(0) is not { } x)
        {
            return null;
        }

        return node.OpType switch
        {
            "Relu" => new ClampRange(x, 0, double.PositiveInfinity),
            "Clip" => FromClip(node, x, context),
            _ => FromExtremum(node, context),
        };
    }

    /// <summary>The largest finite number of a type, which a bound that Clip leaves out stands for; null for types other than floats of 16, 32 and 64 bits.</summary>
    internal static double? Largest(ElementType? type) => type switch
    {
        ElementType.Float16 => (double)Half.MaxValue,
        ElementType.Float => float.MaxValue,
        ElementType.Double => double.MaxValue,
        _ => null,
    };

    // A bound that is left out is the largest float before operator set 11 and the largest number of the type since, so that infinity is clamped,
    // too (ONNX Changelog.md, Clip-6 and Clip-11).
    private static ClampRange? FromClip(Node node, Value x, RuleContext context)
    {
        bool areInputs = node.Graph.Model.Opset >= BoundsInputSince;
        if ((areInputs ? Largest(context.TypeOf(x)?.ElementType) : float.MaxValue) is not { } largest)
        {
            return null;
        }

        double? low = areInputs ? Bound(node.Input(1), -largest) : node.GetFloat("min", float.MinValue);
        double? high = areInputs ? Bound(node.Input(2), largest) : node.GetFloat("max", float.MaxValue);
        return low <= high ? new ClampRange(x, low.Value, high.Value) : null;
    }

    private static ClampRange? FromExtremum(Node node, RuleContext context)
    {
        int at = node.Input(0)?.Constant is null ? 1 : 0;
        if (node.Inputs.Count != 2 || node.Input(1 - at) is not { Constant: null } x || node.Input(at) is not { Constant: { } constant } value
            || constant.Dimensions.Count > 0 && !(constant.Dimensions.Count <= context.RankOf(x)) || Bound(value, 0) is not { } bound)
        {
            return null;
        }

        return node.OpType == "Max" ? new ClampRange(x, bound, double.PositiveInfinity) : new ClampRange(x, double.NegativeInfinity, bound);
    }

    private static double? Bound(Value? value, double absent) =>
        value is null ? absent : ChannelAffine.Doubles(value.Constant) is [var bound] && !double.IsNaN(bound) ? bound : null;
}
