using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Pruning.Structured.Coupling;

/// <summary>Operators on planes, [batch, channels, …], that treat each channel alone.</summary>
internal static class Planes
{
    internal static void Pooling(NodeChannels node)
    {
        node.Pass(0, 0);
        node.Pass(1, 1);
    }

    /// <summary>Scale, shift and statistics have one number for each channel.</summary>
    internal static void Normalization(NodeChannels node)
    {
        if (node.Read(0, 1) is { } channels)
        {
            for (int input = 1; input < node.Node.Inputs.Count; input++)
            {
                node.PerChannel(input, channels);
            }

            node.Give(0, 1, channels);
        }

        node.Pass(0, 0);
    }

    /// <summary>Sizes or scales must be constant, and leave the channels as many as they are.</summary>
    internal static void Resize(NodeChannels node)
    {
        if (node.Shape(0) is not { } shape || node.Node.Has("axes"))
        {
            return;
        }

        bool isUpsample = node.Node.OpType == "Upsample";
        float[]? scales = node.Node.GetFloats("scales") ?? Numbers(node, isUpsample || node.Opset < 11 ? 1 : 2);
        float[]? sizes = isUpsample ? null : Numbers(node, 3);
        for (int axis = 0; axis < shape.Count; axis++)
        {
            if (node.Peek(0, axis) is not { } channels)
            {
                continue;
            }

            if (sizes is not null && sizes.Length == shape.Count && sizes[axis] == channels.Length)
            {
                int channelAxis = axis;
                node.WhenRemoved(channels, removal => StateSize(node.Node, channelAxis, removal.Count(channels)));
                node.Pass(axis, axis);
            }
            else if (sizes is null && scales is not null && scales.Length == shape.Count && scales[axis] == 1)
            {
                node.Pass(axis, axis);
            }
        }
    }

    /// <summary>[N, C·b², H, W] → [N, C, H·b, W·b]: a channel goes with the b² that it is made of.</summary>
    internal static void DepthToSpace(NodeChannels node)
    {
        int squares = (int)(node.Node.GetInt("blocksize", 1) * node.Node.GetInt("blocksize", 1));
        node.Pass(0, 0);
        if (node.Read(0, 1) is not { } channels)
        {
            return;
        }

        int count = channels.Length / squares;
        bool isColumnRowDepth = node.Node.GetString("mode") == "CRD";
        for (int i = 0; i < channels.Length; i++)
        {
            node.Join(channels[isColumnRowDepth ? i / squares * squares : i % count], channels[i]);
        }

        node.Give(0, 1, [.. Enumerable.Range(0, count).Select(channel => channels[isColumnRowDepth ? channel * squares : channel])]);
    }

    private static float[]? Numbers(NodeChannels node, int input) => node.Constant(input) is { Length: > 0 } constant ? constant.ToSingles() : null;

    private static void StateSize(Node resize, int axis, int size)
    {
        long[] sizes = resize.Input(3)!.Constant!.Span<long>().ToArray();
        sizes[axis] = size;
        resize.SetInput(3, resize.Graph.AddInitializer("sizes", Tensor.Vector(sizes)));
    }
}
