using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Pruning.Structured.Coupling;

/// <summary>
/// Operators that mix what lies along some axes: channels along the others pass. A channel at zero would still change a maximum, a mean or a normalization, so
/// channels along those axes stay.
/// </summary>
internal static class AxisOperators
{
    /// <summary>The operator set in which Softmax came to normalize one axis, and not all from it on.</summary>
    private const long SoftmaxOfOneAxisSince = 13;

    internal static void Softmax(NodeChannels node)
    {
        if (node.Shape(0) is not { } shape)
        {
            return;
        }

        bool isOneAxis = node.Opset >= SoftmaxOfOneAxisSince;
        int stated = Axis(node, isOneAxis ? -1 : 1, shape.Count);
        for (int axis = 0; axis < shape.Count; axis++)
        {
            if (isOneAxis ? axis != stated : axis < stated)
            {
                node.Pass(axis, axis);
            }
        }
    }

    internal static void LayerNormalization(NodeChannels node)
    {
        if (node.Shape(0) is { } shape)
        {
            for (int axis = 0; axis < Axis(node, -1, shape.Count); axis++)
            {
                node.Pass(axis, axis);
            }
        }
    }

    internal static void Reduction(NodeChannels node)
    {
        if (node.Shape(0) is not { } shape || StatedIntegers.Axes(node.Node, shape.Count) is not { } axes)
        {
            return;
        }

        bool keepsAxes = node.Node.GetInt("keepdims", 1) != 0;
        int output = 0;
        for (int axis = 0; axis < shape.Count; axis++)
        {
            if (!axes.Contains(axis))
            {
                node.Pass(axis, output++);
            }
            else if (keepsAxes)
            {
                output++;
            }
        }
    }

    private static int Axis(NodeChannels node, int fallback, int rank)
    {
        int axis = (int)node.Node.GetInt("axis", fallback);
        return axis < 0 ? axis + rank : axis;
    }
}
