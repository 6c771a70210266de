using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Quantization.Equalization;

/// <summary>
/// Which operators hand a scaling of channels, axis 1, through: rectifiers, poolings, interpolations and moves within a channel, sums of two tensors scaled
/// alike, gates of one number a channel, and moves of whole channels.
/// </summary>
/// <param name="types">Types that ONNX Runtime inferred.</param>
internal sealed class ChannelFlows(RuleContext types)
{
    /// <summary>The flows through a node; null when it does not hand a scaling through.</summary>
    internal IReadOnlyList<ChannelFlow>? Through(Node node) => node.Domain.Length > 0 ? null : node.OpType switch
    {
        "Relu" or "LeakyRelu" or "Identity" or "MaxPool" or "AveragePool" or "GlobalAveragePool" or "GlobalMaxPool" when node.Outputs.Count == 1 => Same(node, node.Inputs[0]!),
        "Clip" when QuantizableOperators.ClampBound(node) is not null => Same(node, node.Inputs[0]!),
        "Resize" or "Upsample" when node.GetString("coordinate_transformation_mode") != "tf_crop_and_resize" => Same(node, node.Inputs[0]!),
        "Pad" when QuantizableOperators.PadsWithZeros(node) => Same(node, node.Inputs[0]!),
        "Transpose" when node.GetInts("perm") is { Length: > 1 } order && order[1] == 1 => Same(node, node.Inputs[0]!),
        "Add" => Sum(node),
        "Mul" => Gate(node),
        "Concat" => node.GetInt("axis", 0) == 1 ? Joined(node) : null,
        "Split" => Split(node),
        "Slice" => Sliced(node),
        "Flatten" when node.GetInt("axis", 1) == 1 => Flattened(node),
        "Reshape" when types.TypeOf(node.Output)?.Shape is { Count: 2 } => Flattened(node),
        _ => null,
    };

    /// <summary>The number of channels of a tensor of one sample, [1, channels, …]; null when a value has none, or their number is not fixed.</summary>
    internal int? ChannelsOf(Value value) =>
        value.Constant is null && types.TypeOf(value) is { ElementType: ElementType.Float, Shape: [{ Size: null or 1 }, { Size: > 0 and <= int.MaxValue and var size }, ..] } ? (int)size : null;

    private ChannelFlow[]? Same(Node node, Value input) =>
        ChannelsOf(input) is { } channels && ChannelsOf(node.Output) == channels ? [new ChannelFlow(input, node.Output, [.. Enumerable.Range(0, channels)])] : null;

    private ChannelFlow[]? Sum(Node node)
    {
        Value[] inputs = [node.Inputs[0]!, node.Inputs[1]!];
        return inputs.All(input => types.RankOf(input) == types.RankOf(node.Output)) && inputs.Select(input => Same(node, input)).ToArray() is [{ } a, { } b] ? [.. a, .. b] : null;
    }

    /// <summary>The tensor flows; the gate, of one number a channel, is not to be scaled.</summary>
    private ChannelFlow[]? Gate(Node node)
    {
        (Value a, Value b) = (node.Inputs[0]!, node.Inputs[1]!);
        return IsGate(b) && !IsGate(a) ? Same(node, a) : IsGate(a) && !IsGate(b) ? Same(node, b) : null;

        bool IsGate(Value value) => value.Constant?.Length == 1 || (types.TypeOf(value)?.Shape is { Count: > 2 } shape && shape.Skip(2).All(dimension => dimension.Size == 1));
    }

    private ChannelFlow[]? Joined(Node node)
    {
        int?[] sizes = [.. node.Inputs.Select(input => input is null ? null : ChannelsOf(input))];
        if (sizes.Any(size => size is null) || ChannelsOf(node.Output) != sizes.Sum())
        {
            return null;
        }

        List<ChannelFlow> flows = [];
        int start = 0;
        for (int i = 0; i < sizes.Length; i++)
        {
            int[] from = new int[sizes.Sum()!.Value];
            Array.Fill(from, -1);
            for (int c = 0; c < sizes[i]; c++)
            {
                from[start + c] = c;
            }

            flows.Add(new ChannelFlow(node.Inputs[i]!, node.Output, from));
            start += sizes[i]!.Value;
        }

        return [.. flows];
    }

    private ChannelFlow[]? Split(Node node)
    {
        int?[] sizes = [.. node.Outputs.Select(ChannelsOf)];
        if (node.GetInt("axis", 0) != 1 || sizes.Any(size => size is null) || ChannelsOf(node.Inputs[0]!) != sizes.Sum())
        {
            return null;
        }

        int start = 0;
        List<ChannelFlow> flows = [];
        for (int i = 0; i < sizes.Length; i++)
        {
            flows.Add(new ChannelFlow(node.Inputs[0]!, node.Outputs[i], [.. Enumerable.Range(start, sizes[i]!.Value)]));
            start += sizes[i]!.Value;
        }

        return [.. flows];
    }

    private ChannelFlow[]? Sliced(Node node)
    {
        if (SliceRange.AllOf(node, types) is not { } ranges || ChannelsOf(node.Inputs[0]!) is null || ChannelsOf(node.Output) is not { } channels)
        {
            return null;
        }

        SliceRange? cut = ranges.Where(range => range.Axis == 1).Cast<SliceRange?>().FirstOrDefault();
        return [new ChannelFlow(node.Inputs[0]!, node.Output, [.. Enumerable.Range(0, channels).Select(c => (int)((cut?.Start ?? 0) + c * (cut?.Step ?? 1)))])];
    }

    /// <summary>[N, C, …] to [N, C·…]: each channel becomes as many as it has positions.</summary>
    private ChannelFlow[]? Flattened(Node node)
    {
        Value input = node.Inputs[0]!;
        if (ChannelsOf(input) is not { } channels || ChannelsOf(node.Output) is not { } features || types.TypeOf(input)!.Shape is not { } shape
            || shape.Skip(2).Any(dimension => dimension.Size is null) || shape.Skip(1).Aggregate(1L, (product, dimension) => product * dimension.Size!.Value) != features)
        {
            return null;
        }

        return [new ChannelFlow(input, node.Output, [.. Enumerable.Range(0, features).Select(feature => feature / (features / channels))])];
    }
}
