using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Pruning.Structured.Coupling;

/// <summary>
/// Operators that keep the order of the elements or that of the axes. Of axes that are merged, a channel covers a stretch; of axes that are split, the first
/// one has the channels, each a stretch of those before.
/// </summary>
internal static class Reshapes
{
    internal static void Transpose(NodeChannels node)
    {
        if (node.Shape(0) is not { } shape)
        {
            return;
        }

        long[] order = node.Node.GetInts("perm") ?? [.. Enumerable.Range(0, shape.Count).Select(axis => (long)shape.Count - 1 - axis)];
        for (int axis = 0; axis < order.Length; axis++)
        {
            node.Pass((int)order[axis], axis);
        }
    }

    internal static void Squeeze(NodeChannels node)
    {
        if (node.Shape(0) is not { } shape || StatedIntegers.Axes(node.Node, shape.Count) is not { } axes)
        {
            return;
        }

        int output = 0;
        for (int axis = 0; axis < shape.Count; axis++)
        {
            if (!axes.Contains(axis))
            {
                node.Pass(axis, output++);
            }
        }
    }

    internal static void Unsqueeze(NodeChannels node)
    {
        if (node.Shape(0) is not { } shape || StatedIntegers.Of(node.Node, "axes", 1) is not { } stated || StatedIntegers.Axes(node.Node, shape.Count + stated.Length) is not { } axes)
        {
            return;
        }

        int input = 0;
        for (int axis = 0; axis < shape.Count + axes.Length; axis++)
        {
            if (!axes.Contains(axis))
            {
                node.Pass(input++, axis);
            }
        }
    }

    internal static void Flatten(NodeChannels node)
    {
        if (node.Shape(0) is { } from && node.OutputShape() is { } to)
        {
            Map(node, from, to);
        }
    }

    /// <summary>The sizes must be constant, to be stated anew.</summary>
    internal static void Reshape(NodeChannels node)
    {
        if (node.Shape(0) is not { } from || node.OutputShape() is not { } to || StatedIntegers.Of(node.Node.Input(1)) is not { } stated || stated.Length != to.Count
            || node.Node.GetInt("allowzero", 0) != 0 || ChannelShuffle.TryFollow(node, from, to))
        {
            return;
        }

        for (int axis = 0; axis < from.Count; axis++)
        {
            if (node.Peek(0, axis) is { } channels && axis < stated.Length && stated[axis] == 0 && to[axis].Size is null)
            {
                // The size would be copied from an axis that shrinks.
                return;
            }
        }

        foreach ((int axis, int[] channels) in Map(node, from, to))
        {
            node.WhenRemoved(channels, removal => StateSizes(node.Node, axis, removal.Count(channels), to));
        }
    }

    private static List<(int Axis, int[] Channels)> Map(NodeChannels node, IReadOnlyList<Dimension> from, IReadOnlyList<Dimension> to)
    {
        List<(int, int[])> given = [];
        foreach (ReshapeBlock block in ReshapeBlock.Of(from, to))
        {
            int[] labelled = [.. block.From.Where(axis => node.Peek(0, axis) is not null)];
            if (labelled is [var axis] && block.Follow(axis, node.Peek(0, axis)!, from, to, node.Join) is { } followed)
            {
                node.Read(0, axis);
                node.Give(0, followed.Axis, followed.Channels);
                given.Add(followed);
            }
        }

        return given;
    }

    /// <summary>A size that is copied from the input or left to the runtime is stated where it would come out otherwise.</summary>
    private static void StateSizes(Node reshape, int channelAxis, int count, IReadOnlyList<Dimension> to)
    {
        long[] sizes = StatedIntegers.Of(reshape.Input(1))!;
        for (int axis = 0; axis < sizes.Length; axis++)
        {
            sizes[axis] = axis == channelAxis ? (sizes[axis] < 0 ? -1 : count) : sizes[axis] == 0 && to[axis].Size is { } size ? size : sizes[axis];
        }

        reshape.SetInput(1, reshape.Graph.AddInitializer("sizes", Tensor.Vector(sizes)));
    }
}
