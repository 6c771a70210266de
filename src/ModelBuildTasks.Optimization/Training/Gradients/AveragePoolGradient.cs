using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// Y[o] is the sum over a window divided by d[o], the number of elements that count. ∂X returns ∂Y / d to the elements of the window: a transposed
/// convolution by ones.
/// </summary>
/// <remarks>
/// What counts at the edges depends on <c>count_include_pad</c>, <c>ceil_mode</c> and their reading by the runtime. The operator itself tells:
/// on ones it gives n / d for a window with n elements inside.
/// </remarks>
internal sealed class AveragePoolGradient : IGradientRule
{
    public string OpType => "AveragePool";

    public void Differentiate(Node node, GradientContext context)
    {
        Value x = node.Input(0)!;
        long[] input = context.Shape(x), output = context.Shape(node.Output);
        Windows windows = Windows.Of(node, input, output, node.GetInts("kernel_shape")!);

        Value ones = context.Graph.AddInitializer("ones", ShapeProbe.Ones([1, 1, .. input[2..]]));
        Node pooled = context.Graph.AddNode("AveragePool", [ones]);
        pooled.CopyAttributesFrom(node);
        Value counts = context.Graph.AddInitializer("counts", Tensor.Create([1, 1, .. output[2..]], Counts(windows)));
        Value share = context.Graph.Add("Mul", context.Gradient(node.Output), context.Graph.Add("Div", pooled.Output, counts));
        context.Contribute(x, windows.SpreadEvenly(share, context));
    }

    /// <summary>Elements inside the input for each window, row-major; at least 1.</summary>
    private static float[] Counts(Windows windows) =>
        [.. Enumerable.Range(0, windows.Axes).Aggregate<int, IEnumerable<float>>([1f], (counts, axis) =>
            from count in counts
            from position in Enumerable.Range(0, (int)windows.Output[axis + 2])
            select Math.Max(1, count * Inside(windows, axis, position)))];

    private static int Inside(Windows windows, int axis, int position) =>
        Enumerable.Range(0, (int)windows.Kernel[axis]).Count(k =>
            (position * windows.Strides[axis]) - windows.Begin[axis] + (k * windows.Dilations[axis]) is var at && at >= 0 && at < windows.Input[axis + 2]);
}
