using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// The gradient of a convolution's weight: at each kernel offset, the product of the windows' values with the part of the input that meets
/// that offset, summed over batch and positions.
/// </summary>
internal static class WindowProducts
{
    /// <param name="input">[N, C, …].</param>
    /// <param name="values">[N, M, …], one position a window.</param>
    /// <param name="windows">How the windows lie.</param>
    /// <param name="groups">Groups of channels.</param>
    /// <param name="context">Where to add operators.</param>
    /// <returns>[M, C / groups, kernel].</returns>
    public static Value Add(Value input, Value values, Windows windows, long groups, GradientContext context)
    {
        bool isDepthwise = groups > 1 && groups == windows.Input[1] && groups == windows.Output[1];
        Value[] parts = isDepthwise ? Depthwise(input, values, windows, context) : Grouped(input, values, windows, groups, context);
        Value all = parts.Length == 1 ? parts[0] : context.Graph.AddNode("Concat", parts).Set("axis", 2).Output;
        return context.Reshape(all, [windows.Output[1], windows.Input[1] / groups, .. windows.Kernel]);
    }

    /// <summary>
    /// For each offset, (values as [g, M/g, N·P]) · (input as [g, N·P, C/g]): one GEMM. The input is laid out channels-last once, so that the
    /// part for an offset is a copy of whole runs.
    /// </summary>
    private static Value[] Grouped(Value input, Value values, Windows windows, long groups, GradientContext context)
    {
        long batch = windows.Input[0], channels = windows.Input[1] / groups, filters = windows.Output[1] / groups;
        long positions = windows.Output.Skip(2).Aggregate(1L, (product, size) => product * size);
        long[] padded = [.. Enumerable.Range(0, windows.Axes).Select(axis => windows.Input[axis + 2] + windows.Begin[axis] + windows.End[axis])];
        Value left = context.Reshape(values, batch, groups, filters, positions);
        left = context.Reshape(context.Transpose(left, 1, 2, 0, 3), groups, filters, batch * positions);
        Value right = context.Reshape(windows.Pad(input, context), [batch, groups, channels, .. padded]);
        right = context.Transpose(right, [1, 0, .. Enumerable.Range(3, windows.Axes).Select(axis => (long)axis), 2]);
        return [.. windows.Offsets.Select(offset =>
        {
            Value met = context.Reshape(windows.Meet(right, offset, context), groups, batch * positions, channels);
            return context.Reshape(context.Graph.Add("MatMul", left, met), windows.Output[1], channels, 1);
        })];
    }

    /// <summary>When each channel has its own filter, Σ values ⊙ input over batch and positions for each offset.</summary>
    private static Value[] Depthwise(Value input, Value values, Windows windows, GradientContext context)
    {
        Value padded = windows.Pad(input, context);
        long[] summed = [0, .. Enumerable.Range(2, windows.Axes).Select(axis => (long)axis)];
        return [.. windows.Offsets.Select(offset =>
        {
            Value product = context.Graph.Add("Mul", values, windows.Meet(padded, offset, context));
            return context.Reshape(context.ReduceSum(product, keepAxes: false, summed), windows.Output[1], 1, 1);
        })];
    }
}
