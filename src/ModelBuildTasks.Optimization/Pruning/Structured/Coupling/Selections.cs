using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Pruning.Structured.Coupling;

/// <summary>Operators that take some indices of an axis: what they give there are the channels that they took.</summary>
internal static class Selections
{
    /// <summary>
    /// Of a constant, rows of an embedding: [V, D] makes D channels. Of something computed, constant indices along an axis, or any along an axis without channels.
    /// </summary>
    internal static void Gather(NodeChannels node)
    {
        if (node.Shape(0) is not { Count: > 0 } shape || node.Shape(1) is not { } indices)
        {
            // A computed index without a shape may be a scalar or of any rank.
            return;
        }

        int axis = (int)node.Node.GetInt("axis", 0);
        axis += axis < 0 ? shape.Count : 0;
        for (int other = 0; other < shape.Count; other++)
        {
            int output = other < axis ? other : other + indices.Count - 1;
            if (other != axis && node.Constant(0) is { Dimensions.Count: >= 2 } table && table.ElementType.BitsPerElement() >= 8)
            {
                node.Give(0, output, node.Weight(0, other));
            }
            else if (other != axis && node.Constant(0) is null)
            {
                node.Pass(other, output);
            }
        }

        for (int place = 0; place < indices.Count; place++)
        {
            node.Give(0, axis + place, node.Constant(1) is null ? node.Read(1, place) : null);
        }

        if (node.Constant(0) is null && node.Peek(0, axis) is { } channels && StatedIntegers.Of(node.Node.Input(1)) is { } stated && indices.Count <= 1)
        {
            int[] selected = [.. stated.Select(index => (int)(index < 0 ? index + channels.Length : index))];
            if (Array.Exists(selected, index => index < 0 || index >= channels.Length))
            {
                return;
            }

            node.Read(0, axis);
            if (indices.Count == 0)
            {
                node.Keep([channels[selected[0]]], $"{DependencyGraph.Describe(node.Node)} takes it alone");
            }
            else
            {
                node.Give(0, axis, [.. selected.Select(index => channels[index])]);
            }

            node.WhenRemoved(channels, removal => StateIndices(node.Node, removal.Renumber(channels, selected), isScalar: indices.Count == 0));
        }
    }

    internal static void Slice(NodeChannels node)
    {
        if (node.Shape(0) is not { } shape || (node.Node.GetInts("starts") ?? StatedIntegers.Of(node.Node.Input(1))) is not { } starts
            || (node.Node.GetInts("ends") ?? StatedIntegers.Of(node.Node.Input(2))) is not { } ends)
        {
            return;
        }

        long[]? axes = node.Node.GetInts("axes") ?? StatedIntegers.Of(node.Node.Input(3));
        long[]? steps = StatedIntegers.Of(node.Node.Input(4));
        if ((axes is null && node.Node.Input(3) is not null) || (steps is null && node.Node.Input(4) is not null))
        {
            return;
        }

        axes = [.. (axes ?? [.. Enumerable.Range(0, starts.Length).Select(axis => (long)axis)]).Select(axis => axis < 0 ? axis + shape.Count : axis)];
        for (int axis = 0; axis < shape.Count; axis++)
        {
            int place = Array.IndexOf(axes, axis);
            if (place < 0)
            {
                node.Pass(axis, axis);
            }
            else if (node.Peek(0, axis) is { } channels && (steps?[place] ?? 1) is > 0 and var step)
            {
                int[] selected = [.. Range(starts[place], ends[place], step, channels.Length)];
                node.Read(0, axis);
                node.Give(0, axis, [.. selected.Select(index => channels[index])]);
                int channelAxis = axis;
                node.WhenRemoved(channels, removal => TakeInstead(node.Node, channelAxis, place, removal.Renumber(channels, selected)));
            }
        }
    }

    internal static void Split(NodeChannels node)
    {
        if (node.Shape(0) is not { } shape)
        {
            return;
        }

        int axis = (int)node.Node.GetInt("axis", 0);
        axis += axis < 0 ? shape.Count : 0;
        int count = node.Node.Outputs.Count;
        for (int other = 0; other < shape.Count; other++)
        {
            for (int output = 0; output < count && other != axis; output++)
            {
                node.Pass(other, other, output);
            }
        }

        if (node.Peek(0, axis) is not { } channels || SizesOf(node, channels.Length, count) is not { } sizes)
        {
            return;
        }

        node.Read(0, axis);
        int[][] parts = new int[count][];
        for (int output = 0, start = 0; output < count; start += (int)sizes[output++])
        {
            parts[output] = channels[start..(start + (int)sizes[output])];
            node.Give(output, axis, parts[output]);
        }

        node.WhenRemoved(channels, removal => StateSizes(node.Node, [.. parts.Select(part => (long)removal.Count(part))]));
    }

    private static IEnumerable<int> Range(long start, long end, long step, int size)
    {
        for (long index = Clamp(start, size); index < Clamp(end, size); index += step)
        {
            yield return (int)index;
        }
    }

    private static long Clamp(long index, int size) => Math.Clamp(index < 0 ? index + size : index, 0, size);

    private static long[]? SizesOf(NodeChannels node, int size, int count)
    {
        long[]? stated = StatedIntegers.Of(node.Node, "split", 1);
        if (stated is null && node.Node.Input(1) is not null)
        {
            return null;
        }

        int part = (size + count - 1) / count;
        stated ??= [.. Enumerable.Range(0, count).Select(i => (long)Math.Min(part, size - i * part))];
        return stated.Length == count && stated.Sum() == size && Array.TrueForAll(stated, length => length >= 0) ? stated : null;
    }

    private static void StateSizes(Node split, long[] sizes)
    {
        if (split.Graph.Model.Opset < StatedIntegers.AxesInputSince)
        {
            split.Set("split", sizes);
            return;
        }

        split.Unset("num_outputs");
        split.SetInput(1, split.Graph.AddInitializer("split", Tensor.Vector(sizes)));
    }

    private static void StateIndices(Node gather, long[] indices, bool isScalar) =>
        gather.SetInput(1, gather.Graph.AddInitializer("indices", isScalar ? Tensor.Scalar(indices[0]) : Tensor.Vector(indices)));

    /// <summary>What is left of a range may have gaps where it had steps; a Gather in front of the Slice takes it then.</summary>
    private static void TakeInstead(Node slice, int axis, int place, long[] indices)
    {
        long start = indices[0];
        long end = indices[^1] + 1;
        if (end - start != indices.Length)
        {
            Value taken = slice.Graph.AddNode("Gather", [slice.Input(0), slice.Graph.AddInitializer("indices", Tensor.Vector(indices))]).Output;
            taken.Producer!.Set("axis", (long)axis);
            slice.SetInput(0, taken);
            (start, end) = (0, indices.Length);
        }

        State(slice, "starts", 1, place, start);
        State(slice, "ends", 2, place, end);
        if (StatedIntegers.Of(slice.Input(4)) is not null)
        {
            State(slice, "steps", 4, place, 1);
        }
    }

    private static void State(Node slice, string name, int input, int place, long number)
    {
        long[] stated = slice.GetInts(name) ?? StatedIntegers.Of(slice.Input(input))!;
        stated[place] = number;
        if (slice.Has(name))
        {
            slice.Set(name, stated);
            return;
        }

        // The inputs of a Slice are of one type, 32 or 64 bits.
        Tensor tensor = slice.Input(input)!.Constant!.ElementType == ElementType.Int32 ? Tensor.Vector(Array.ConvertAll(stated, one => (int)one)) : Tensor.Vector(stated);
        slice.SetInput(input, slice.Graph.AddInitializer(name, tensor));
    }
}
