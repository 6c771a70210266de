using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Pruning.Structured.Coupling;

/// <summary>Operators that put indices of an axis beside each other.</summary>
internal static class Joints
{
    internal static void Concat(NodeChannels node)
    {
        int count = node.Node.Inputs.Count;
        if (Enumerable.Range(0, count).Any(input => node.Shape(input)?.Count != node.Shape(0)?.Count) || node.Shape(0) is not { } shape)
        {
            return;
        }

        int joined = (int)node.Node.GetInt("axis", 1);
        joined += joined < 0 ? shape.Count : 0;
        JoinOthers(node, count, joined, shape.Count);
        if (!Enumerable.Range(0, count).Any(input => node.Constant(input) is null && node.Peek(input, joined) is not null)
            || Enumerable.Range(0, count).Any(input => node.Shape(input)![joined].Size is null))
        {
            return;
        }

        List<int> channels = [];
        for (int input = 0; input < count; input++)
        {
            if (node.Constant(input) is null && node.Read(input, joined) is { } own)
            {
                channels.AddRange(own);
                continue;
            }

            int[] others = node.NewChannels((int)node.Shape(input)![joined].Size!.Value);
            node.Keep(others, $"'{node.Node.Input(input)!.Name}' is not made by a layer");
            channels.AddRange(others);
        }

        node.Give(0, joined, [.. channels]);
    }

    /// <summary>Constant padding beside channels makes new ones, which can go with those that they are added to.</summary>
    internal static void Pad(NodeChannels node)
    {
        long[]? pads = StatedIntegers.Of(node.Node, "pads", 1);
        if (node.Shape(0) is not { } shape || pads is null || pads.Length != 2 * shape.Count || node.Node.Input(3) is not null)
        {
            return;
        }

        bool isConstant = (node.Node.GetString("mode") ?? "constant") == "constant";
        for (int axis = 0; axis < shape.Count; axis++)
        {
            (long before, long after) = (pads[axis], pads[axis + shape.Count]);
            if (node.Peek(0, axis) is not { } channels || (before == 0 && after == 0))
            {
                node.Pass(axis, axis);
            }
            else if (isConstant && before >= 0 && after >= 0)
            {
                int[] front = node.NewChannels((int)before);
                int[] back = node.NewChannels((int)after);
                int channelAxis = axis;
                int[] all = [.. front, .. channels, .. back];
                node.Read(0, axis);
                node.Give(0, axis, all);
                node.WhenRemoved(all, removal => StatePads(node.Node, channelAxis, shape.Count, removal.Count(front), removal.Count(back)));
            }
        }
    }

    private static void JoinOthers(NodeChannels node, int count, int joined, int rank)
    {
        for (int axis = 0; axis < rank; axis++)
        {
            int[] labelled = [.. Enumerable.Range(0, count).Where(input => axis != joined && node.Constant(input) is null && node.Peek(input, axis) is not null)];
            if (labelled.Length == 0)
            {
                continue;
            }

            int[] channels = node.Peek(labelled[0], axis)!;
            foreach (int input in labelled)
            {
                node.Join(node.Read(input, axis)!, channels);
            }

            if (labelled.Length < count)
            {
                node.Keep(channels, $"{DependencyGraph.Describe(node.Node)} puts beside them what does not have these channels");
            }

            node.Give(0, axis, channels);
        }
    }

    private static void StatePads(Node pad, int axis, int rank, int before, int after)
    {
        long[] pads = StatedIntegers.Of(pad, "pads", 1)!;
        (pads[axis], pads[axis + rank]) = (before, after);
        if (pad.Has("pads"))
        {
            pad.Set("pads", pads);
        }
        else
        {
            pad.SetInput(1, pad.Graph.AddInitializer("pads", Tensor.Vector(pads)));
        }
    }
}
