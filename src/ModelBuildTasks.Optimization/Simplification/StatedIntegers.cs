using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>Integers that a node states: an attribute in early operator sets, later a constant input (ONNX docs/Changelog.md).</summary>
internal static class StatedIntegers
{
    /// <summary>The first operator set in which Squeeze, Unsqueeze, Split and ReduceSum take their integers as an input.</summary>
    internal const long AxesInputSince = 13;

    /// <summary>The first operator set in which the other reductions take their axes as an input.</summary>
    internal const long ReductionAxesInputSince = 18;

    /// <summary>The integers of attribute <paramref name="attribute"/> or of input <paramref name="input"/>; null when they are left out or computed.</summary>
    internal static long[]? Of(Node node, string attribute, int input) => node.GetInts(attribute) ?? Of(node.Input(input));

    /// <summary>The elements of a constant of 32- or 64-bit integers, of any rank; null for other values.</summary>
    internal static long[]? Of(Value? value) => value?.Constant switch
    {
        { ElementType: ElementType.Int64 } wide => wide.Span<long>().ToArray(),
        { ElementType: ElementType.Int32 } narrow => Array.ConvertAll(narrow.Span<int>().ToArray(), element => (long)element),
        _ => null,
    };

    /// <summary>The axes of a Squeeze, an Unsqueeze or a reduction, sorted.</summary>
    /// <param name="rank">Dimensions that negative axes count from: of the input, or of the output for Unsqueeze. Null when unknown.</param>
    /// <returns>Null when they are left out or computed, when one is negative and the rank is unknown, or when they are not axes: beyond the rank, or one twice.</returns>
    internal static long[]? Axes(Node node, int? rank)
    {
        if (Of(node, "axes", 1) is not { Length: > 0 } stated)
        {
            return null;
        }

        long[] axes = [.. stated.Select(axis => axis < 0 ? axis + (rank ?? 0) : axis).Order()];
        return axes[0] >= 0 && axes[^1] < (rank ?? int.MaxValue) && axes.Distinct().Count() == axes.Length ? axes : null;
    }

    /// <summary>The order that a Transpose states; null when it states none, or one that does not have each axis once.</summary>
    internal static long[]? Order(Node transpose) =>
        transpose.GetInts("perm") is { } order && order.Order().Select((axis, i) => axis == i).All(same => same) ? order : null;

    /// <summary>States <paramref name="axes"/> the way that the model's operator set does.</summary>
    internal static void SetAxes(Node node, long[] axes, long inputSince)
    {
        if (node.Graph.Model.Opset >= inputSince && node.Input(1) is { Initializer: not null, Uses.Count: 1, IsOutput: false, IsInput: false } stated)
        {
            stated.Initializer = Tensor.Vector(axes);
        }
        else if (node.Graph.Model.Opset >= inputSince)
        {
            node.SetInput(1, node.Graph.AddInitializer("axes", Tensor.Vector(axes)));
        }
        else
        {
            node.Set("axes", axes);
        }
    }
}
