using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// Y is X returned to the positions that the windows of a convolution from Y to X met, plus B. ∂X is that convolution of ∂Y by W; ∂W are the
/// <see cref="WindowProducts"/> of ∂Y and X; ∂B = Σ∂Y.
/// </summary>
internal sealed class ConvTransposeGradient : IGradientRule
{
    public string OpType => "ConvTranspose";

    public void Differentiate(Node node, GradientContext context)
    {
        Value x = node.Input(0)!, w = node.Input(1)!, dy = context.Gradient(node.Output);
        long groups = node.GetInt("group", 1);
        Windows windows = Of(node, context.Shape(x), context.Shape(node.Output), context.Shape(w)[2..]);
        if (context.Needs(x))
        {
            context.Contribute(x, context.Graph.AddNode("Conv", [dy, w])
                .Set("kernel_shape", windows.Kernel)
                .Set("strides", windows.Strides)
                .Set("dilations", windows.Dilations)
                .Set("group", groups)
                .Set("pads", [.. windows.Begin, .. windows.End]).Output);
        }

        if (context.Needs(w))
        {
            context.Contribute(w, WindowProducts.Add(dy, x, windows, groups, context));
        }

        if (node.Input(2) is { } bias && context.Needs(bias))
        {
            context.Contribute(bias, context.ReduceSum(dy, keepAxes: false, [.. context.AxesBut(1, node.Output)]));
        }
    }

    /// <summary>The windows of the convolution that goes the other way. Padding that is not given follows from the shapes.</summary>
    private static Windows Of(Node node, long[] x, long[] y, long[] kernel)
    {
        int axes = kernel.Length;
        long[] ones = [.. Enumerable.Repeat(1L, axes)], added = node.GetInts("output_padding") ?? new long[axes];
        long[] pads = node.GetInts("pads") ?? new long[2 * axes];
        Windows windows = new(y, x, kernel, node.GetInts("strides") ?? ones, node.GetInts("dilations") ?? ones, pads[..axes], pads[axes..]);
        bool isUpper = node.GetString("auto_pad") == "SAME_UPPER";
        if (isUpper || node.GetString("auto_pad") == "SAME_LOWER" || node.Has("output_shape"))
        {
            for (int axis = 0; axis < axes; axis++)
            {
                long total = Math.Max(0, windows.Reach(axis) + added[axis] - y[axis + 2]);
                windows.Begin[axis] = isUpper ? total / 2 : total - (total / 2);
                windows.End[axis] = total - windows.Begin[axis];
            }
        }

        if (Enumerable.Range(0, axes).Any(axis => windows.Rest[axis] < 0 || windows.Rest[axis] >= windows.Strides[axis]))
        {
            throw new GradientException(node, "a convolution of its output would not have as many windows as its input has positions");
        }

        return windows;
    }
}
