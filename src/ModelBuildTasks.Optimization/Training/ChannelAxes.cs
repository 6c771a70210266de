using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>The axis of a value along which a layer's output channels lie.</summary>
/// <param name="FromLast">1 for the last axis, 2 for the one before it.</param>
/// <param name="Size">Number of channels; null where it is not known.</param>
internal sealed record ChannelAxis(int FromLast, long? Size);

/// <summary>Finds the channels of a value by going back to the layer that made it.</summary>
internal sealed class ChannelAxes
{
    private readonly Dictionary<Value, ChannelAxis?> known = [];

    /// <summary>The value's channels; null where what lies between it and the layer may have moved them.</summary>
    public ChannelAxis? Of(Value value)
    {
        if (!known.TryGetValue(value, out ChannelAxis? axis))
        {
            known[value] = axis = value.Producer is { Domain: "" } producer ? Behind(producer) : null;
        }

        return axis;
    }

    private ChannelAxis? Behind(Node node) => node.OpType switch
    {
        "Conv" => Weight(node) is { Count: > 2 } filter ? new(filter.Count - 1, filter[0]) : null,
        "ConvTranspose" => Weight(node) is { Count: > 2 } filter ? new(filter.Count - 1, filter[1] * node.GetInt("group", 1)) : null,
        "Gemm" => new(1, Weight(node) is { Count: 2 } matrix ? matrix[node.GetInt("transB", 0) != 0 ? 0 : 1] : null),
        "MatMul" => new(1, Weight(node) is { Count: > 1 } matrix ? matrix[^1] : null),
        "LayerNormalization" or "RMSNormalization" => new(1, null),
        "Gather" => node.Input(0)?.Constant is { Dimensions.Count: 2 } && node.GetInt("axis", 0) == 0 ? new(1, null) : null,
        "Transpose" => Of(node.Input(0)!) is { } axis && node.GetInts("perm") is { } permutation ? Moved(axis, permutation) : null,
        "Reshape" => Of(node.Input(0)!) is { } axis && node.Input(1)?.Constant is { ElementType: ElementType.Int64 } shape ? Reshaped(axis, shape.Span<long>()) : null,
        "Concat" or "Split" or "Slice" or "Flatten" or "Squeeze" or "Unsqueeze" or "DepthToSpace" or "SpaceToDepth" or "Einsum" or "Constant" => null,
        _ when node.OpType.StartsWith("Reduce", StringComparison.Ordinal) && node.GetInt("keepdims", 1) == 0 => null,

        // Elementwise operators, normalizations and pools leave channels where they are.
        _ => node.Inputs.OfType<Value>().Where(input => input.Constant is null).Select(Of).FirstOrDefault(axis => axis is not null),
    };

    private static IReadOnlyList<long>? Weight(Node node) => node.Input(1) is { } value ? (value.Initializer ?? value.Constant)?.Dimensions : null;

    private static ChannelAxis? Moved(ChannelAxis axis, long[] permutation) =>
        Array.IndexOf(permutation, permutation.Length - axis.FromLast) is >= 0 and var place ? axis with { FromLast = permutation.Length - place } : null;

    private static ChannelAxis? Reshaped(ChannelAxis axis, ReadOnlySpan<long> shape) =>
        axis.Size is { } size && shape.Count(size) == 1 ? axis with { FromLast = shape.Length - shape.IndexOf(size) } : null;
}
