using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// Y = W ∗ X + B in two dimensions. ∂X is the transposed convolution of ∂Y by W. ∂W at kernel offset (i, j) is the product of ∂Y with
/// the part of X that meets that offset, summed over batch and positions: one GEMM an offset, or a product and a sum when depthwise.
/// ∂B = Σ∂Y.
/// </summary>
internal sealed class ConvGradient : IGradientRule
{
    public string OpType => "Conv";

    public void Differentiate(Node node, GradientContext context)
    {
        Geometry geometry = Geometry.Of(node, context);
        Value x = node.Input(0)!, w = node.Input(1)!;
        Value dy = context.Gradient(node.Output);
        if (context.Needs(x))
        {
            context.Contribute(x, InputGradient(dy, w, geometry, context));
        }

        if (context.Needs(w))
        {
            context.Contribute(w, geometry.IsDepthwise ? DepthwiseWeightGradient(x, dy, geometry, context) : WeightGradient(x, dy, geometry, context));
        }

        if (node.Input(2) is { } bias && context.Needs(bias))
        {
            context.Contribute(bias, context.ReduceSum(dy, keepAxes: false, 0, 2, 3));
        }
    }

    private static Value InputGradient(Value dy, Value w, Geometry g, GradientContext context)
    {
        // Rows and columns at the far edge that no window reached.
        long[] left = [.. Enumerable.Range(0, 2).Select(axis =>
            g.Input[axis + 2] + g.PadBegin[axis] + g.PadEnd[axis] - ((g.Output[axis + 2] - 1) * g.Strides[axis]) - ((g.Kernel[axis] - 1) * g.Dilations[axis]) - 1)];
        return context.Graph.AddNode("ConvTranspose", [dy, w])
            .Set("kernel_shape", g.Kernel)
            .Set("strides", g.Strides)
            .Set("dilations", g.Dilations)
            .Set("group", g.Groups)
            .Set("pads", [.. g.PadBegin, .. g.PadEnd])
            .Set("output_padding", left).Output;
    }

    /// <summary>
    /// ∂W [M, C/g, kh, kw]: for each offset, (∂Y as [g, M/g, N·P]) · (X as [g, N·P, C/g]). X is laid out channels-last once, so that the
    /// part for an offset is a copy of whole runs.
    /// </summary>
    private static Value WeightGradient(Value x, Value dy, Geometry g, GradientContext context)
    {
        long batch = g.Input[0], groups = g.Groups, channels = g.Input[1] / groups, filters = g.Output[1] / groups;
        long positions = g.Output[2] * g.Output[3];
        Value left = context.Reshape(dy, batch, groups, filters, positions);
        left = context.Reshape(context.Transpose(left, 1, 2, 0, 3), groups, filters, batch * positions);
        Value padded = Pad(x, g, context);
        Value right = context.Reshape(padded, batch, groups, channels, g.PaddedHeight, g.PaddedWidth);
        right = context.Transpose(right, 1, 0, 3, 4, 2);
        Value[] parts = [.. g.Offsets.Select(offset =>
        {
            Value met = context.Reshape(Meet(right, offset, rowAxis: 2, g, context), groups, batch * positions, channels);
            return context.Reshape(context.Graph.Add("MatMul", left, met), g.Output[1], channels, 1);
        })];
        return Assemble(parts, [g.Output[1], channels, .. g.Kernel], context);
    }

    /// <summary>∂W [C, 1, kh, kw] when each channel has its own filter: Σ ∂Y ⊙ X over batch and positions, for each offset.</summary>
    private static Value DepthwiseWeightGradient(Value x, Value dy, Geometry g, GradientContext context)
    {
        Value padded = Pad(x, g, context);
        Value[] parts = [.. g.Offsets.Select(offset =>
        {
            Value product = context.Graph.Add("Mul", dy, Meet(padded, offset, rowAxis: 2, g, context));
            return context.Reshape(context.ReduceSum(product, keepAxes: false, 0, 2, 3), g.Output[1], 1, 1);
        })];
        return Assemble(parts, [g.Output[1], 1, .. g.Kernel], context);
    }

    private static Value Pad(Value x, Geometry g, GradientContext context) =>
        g.PadBegin.Concat(g.PadEnd).All(pad => pad == 0)
            ? x
            : context.Graph.Add("Pad", x, context.Integers([0, 0, .. g.PadBegin, 0, 0, .. g.PadEnd]));

    /// <summary>The elements of the padded input that meet a kernel offset, one for each output position.</summary>
    private static Value Meet(Value padded, (long Row, long Column) offset, long rowAxis, Geometry g, GradientContext context)
    {
        long top = offset.Row * g.Dilations[0], first = offset.Column * g.Dilations[1];
        return g.IsPointwise ? padded : context.Graph.Add(
            "Slice",
            padded,
            context.Integers(top, first),
            context.Integers(top + ((g.Output[2] - 1) * g.Strides[0]) + 1, first + ((g.Output[3] - 1) * g.Strides[1]) + 1),
            context.Integers(rowAxis, rowAxis + 1),
            context.Integers(g.Strides));
    }

    private static Value Assemble(Value[] parts, long[] shape, GradientContext context)
    {
        Value all = parts.Length == 1 ? parts[0] : context.Graph.AddNode("Concat", parts).Set("axis", 2).Output;
        return context.Reshape(all, shape);
    }

    /// <summary>Shapes and attributes of a convolution, defaults resolved.</summary>
    private sealed record Geometry(long[] Input, long[] Output, long[] Kernel, long[] Strides, long[] Dilations, long[] PadBegin, long[] PadEnd, long Groups)
    {
        public long PaddedHeight => Input[2] + PadBegin[0] + PadEnd[0];

        public long PaddedWidth => Input[3] + PadBegin[1] + PadEnd[1];

        public bool IsDepthwise => Groups > 1 && Groups == Input[1] && Groups == Output[1];

        /// <summary>Whether the one kernel offset meets every element of the padded input.</summary>
        public bool IsPointwise => Kernel.All(size => size == 1) && Strides.All(step => step == 1);

        public IEnumerable<(long Row, long Column)> Offsets =>
            from row in Enumerable.Range(0, (int)Kernel[0])
            from column in Enumerable.Range(0, (int)Kernel[1])
            select ((long)row, (long)column);

        public static Geometry Of(Node node, GradientContext context)
        {
            long[] input = context.Shape(node.Input(0)!), weight = context.Shape(node.Input(1)!), output = context.Shape(node.Output);
            if (input.Length != 4)
            {
                throw new GradientException(node, $"it runs over {input.Length - 2} axes; only two are covered");
            }

            long[] kernel = weight[2..];
            long[] strides = node.GetInts("strides") ?? [1, 1], dilations = node.GetInts("dilations") ?? [1, 1];
            long[] pads = node.GetInts("pads") ?? [0, 0, 0, 0];
            if (node.GetString("auto_pad") is "SAME_UPPER" or "SAME_LOWER")
            {
                for (int axis = 0; axis < 2; axis++)
                {
                    long total = Math.Max(0, ((output[axis + 2] - 1) * strides[axis]) + ((kernel[axis] - 1) * dilations[axis]) + 1 - input[axis + 2]);
                    pads[axis] = node.GetString("auto_pad") is "SAME_UPPER" ? total / 2 : total - (total / 2);
                    pads[axis + 2] = total - pads[axis];
                }
            }

            return new Geometry(input, output, kernel, strides, dilations, pads[..2], pads[2..], node.GetInt("group", 1));
        }
    }
}
