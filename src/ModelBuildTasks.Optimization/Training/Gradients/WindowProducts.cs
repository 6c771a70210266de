using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// The gradient of a convolution's weight: at each kernel offset, the product of the windows' values with the part of the input that meets
/// that offset, summed over batch and positions. Of the forms below, which give the same, the one is taken that ONNX Runtime is quickest with.
/// </summary>
internal static class WindowProducts
{
    /// <summary>An input with so few channels would be copied in runs of as few numbers.</summary>
    private const long FewChannels = 4;

    /// <summary>A product for each sample, which takes no copy in another order, pays where its results are so much smaller than what it reads.</summary>
    private const long SmallResults = 4;

    /// <param name="input">[N, C, …].</param>
    /// <param name="values">[N, M, …], one position a window.</param>
    /// <param name="windows">How the windows lie.</param>
    /// <param name="groups">Groups of channels.</param>
    /// <param name="context">Where to add operators.</param>
    /// <returns>[M, C / groups, kernel].</returns>
    public static Value Add(Value input, Value values, Windows windows, long groups, GradientContext context)
    {
        long channels = windows.Input[1] / groups, filters = windows.Output[1] / groups;
        bool isDepthwise = groups > 1 && channels == 1 && filters == 1;
        bool isApart = windows.Strides.Any(step => step > 1) && windows.Kernel.Any(size => size > 1);
        if (isApart && (isDepthwise || channels <= FewChannels))
        {
            return Convolved(input, values, windows, groups, context);
        }

        bool isBySample = channels <= FewChannels || (windows.IsPointwise && SmallResults * channels * filters <= windows.Positions * (channels + filters));
        Value[] parts = isDepthwise ? Depthwise(input, values, windows, context)
            : isBySample ? Sampled(input, values, windows, groups, context)
            : Packed(input, values, windows, groups, context);
        Value all = parts.Length == 1 ? parts[0] : context.Graph.AddNode("Concat", parts).Set("axis", 2).Output;
        return context.Reshape(all, [windows.Output[1], channels, .. windows.Kernel]);
    }

    /// <summary>
    /// A convolution in which samples and channels have changed places: the values are the filters, the kernel's offsets the positions, and
    /// strides and dilations change places, too.
    /// </summary>
    private static Value Convolved(Value input, Value values, Windows windows, long groups, GradientContext context)
    {
        long batch = windows.Input[0], channels = windows.Input[1] / groups;
        long[] spatial = [.. Enumerable.Range(2, windows.Axes).Select(axis => (long)axis)];
        Value samples = context.Reshape(input, batch, groups, channels, windows.Input.Skip(2).Product());
        samples = context.Reshape(context.Transpose(samples, 2, 1, 0, 3), [channels, groups * batch, .. windows.Input[2..]]);
        Value met = context.Graph.AddNode("Conv", [samples, context.Transpose(values, [1, 0, .. spatial])])
            .Set("kernel_shape", windows.Output[2..])
            .Set("strides", windows.Dilations)
            .Set("dilations", windows.Strides)
            .Set("group", groups)
            .Set("pads", [.. windows.Begin, .. windows.End]).Output;
        if (windows.Rest.Any(rest => rest > 0))
        {
            met = context.Graph.Add("Slice", met, context.Integers(new long[windows.Axes]), context.Integers(windows.Kernel), context.Integers(spatial));
        }

        return context.Transpose(met, [1, 0, .. spatial]);
    }

    /// <summary>For each offset and sample (input as [g, C/g, P]) · (values as [g, P, M/g]), summed over the samples. Only the values are transposed, which ONNX Runtime does inside the product.</summary>
    private static Value[] Sampled(Value input, Value values, Windows windows, long groups, GradientContext context)
    {
        long batch = windows.Input[0], channels = windows.Input[1] / groups, filters = windows.Output[1] / groups;
        Value padded = windows.Pad(input, context);
        Value right = context.Transpose(context.Reshape(values, batch, groups, filters, windows.Positions), 0, 1, 3, 2);
        return [.. windows.Offsets.Select(offset =>
        {
            Value met = context.Reshape(windows.Meet(padded, offset, context), batch, groups, channels, windows.Positions);
            Value sum = context.ReduceSum(context.Graph.Add("MatMul", met, right), keepAxes: false, 0);
            return context.Reshape(context.Transpose(sum, 0, 2, 1), windows.Output[1], channels, 1);
        })];
    }

    /// <summary>
    /// For each offset (values as [g, M/g, N·P]) · (input as [g, N·P, C/g]): one GEMM. The input is laid out channels-last once, so that the
    /// part for an offset is a copy of whole runs.
    /// </summary>
    private static Value[] Packed(Value input, Value values, Windows windows, long groups, GradientContext context)
    {
        long batch = windows.Input[0], channels = windows.Input[1] / groups, filters = windows.Output[1] / groups;
        Value left = context.Reshape(values, batch, groups * filters, windows.Positions);
        left = context.Reshape(context.Transpose(left, 1, 0, 2), groups, filters, batch * windows.Positions);
        Value right = windows.Pad(input, context);
        long[] padded = [.. Enumerable.Range(0, windows.Axes).Select(axis => windows.Input[axis + 2] + windows.Begin[axis] + windows.End[axis])];
        long[] spatial = [.. Enumerable.Range(2, windows.Axes).Select(axis => (long)axis)];
        if (groups == 1)
        {
            // Moving one axis alone is what ONNX Runtime transposes quickest.
            right = context.Reshape(context.Transpose(right, [0, .. spatial, 1]), [1, batch, .. padded, channels]);
        }
        else
        {
            right = context.Transpose(context.Reshape(right, [batch, groups, channels, .. padded]), [1, 0, .. spatial.Select(axis => axis + 1), 2]);
        }

        return [.. windows.Offsets.Select(offset =>
        {
            Value met = context.Reshape(windows.Meet(right, offset, context), groups, batch * windows.Positions, channels);
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
