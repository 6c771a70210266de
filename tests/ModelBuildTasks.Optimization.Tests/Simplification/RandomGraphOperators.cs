using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

/// <summary>One family of operators a method: null where the value at hand has no shape for it.</summary>
internal sealed partial class RandomGraph
{
    private const long Float = (long)ElementType.Float;

    private Sized Activation(Sized x) => x with { Value = graph.Add(Any("Relu", "Sigmoid", "Abs", "Neg", "Tanh", "Softsign"), x.Value) };

    private Sized NoOp(Sized x) => x with { Value = graph.Add(Any("Identity", "Dropout"), x.Value) };

    private Sized ArithmeticWithConstant(Sized x)
    {
        Tensor constant = Broadcastable(x.Shape);
        return x with
        {
            Value = random.Next(5) switch
            {
                0 => graph.Add("Div", x.Value, Number(2)),
                1 => graph.Add(Any("Add", "Sub", "Mul"), Constant(constant), x.Value),
                _ => graph.Add(Any("Add", "Sub", "Mul", "Max", "Min"), x.Value, Constant(constant)),
            },
        };
    }

    private Sized? ChannelAffine(Sized x)
    {
        if (x.Rank < 2)
        {
            return null;
        }

        long[] channels = [.. x.Shape.Select((size, axis) => axis == 1 ? size : 1)];
        return x with { Value = graph.Add("Mul", graph.Add("Add", x.Value, Weight(channels)), Weight(channels)) };
    }

    private Sized Pairwise(Sized x)
    {
        Sized[] alike = [.. values.Where(value => value.Shape.SequenceEqual(x.Shape))];
        return x with { Value = graph.Add(Any("Add", "Sub", "Mul", "Max", "Min"), x.Value, Any(alike).Value) };
    }

    private Sized Clamp(Sized x)
    {
        float low = random.NextSingle() - 0.5f;
        float high = low + random.NextSingle() - 0.2f;
        return x with
        {
            Value = opset < 11 ? graph.AddNode("Clip", [x.Value]).Set("min", low).Set("max", high).Output
                : graph.Add("Clip", x.Value, Toss() ? Number(low) : null, Toss() ? Number(high) : null),
        };
    }

    private Sized CastBack(Sized x)
    {
        ElementType between = Any(ElementType.Float, ElementType.Float16, ElementType.Double, ElementType.Int32, ElementType.Int64);
        return x with { Value = graph.AddNode("Cast", [graph.AddNode("Cast", [x.Value]).Set("to", (long)between).Output]).Set("to", Float).Output };
    }

    private Sized Transposed(Sized x)
    {
        long[] order = [.. Enumerable.Range(0, x.Rank).Select(axis => (long)axis).OrderBy(_ => random.Next())];
        return new Sized(graph.AddNode("Transpose", [x.Value]).Set("perm", order).Output, [.. order.Select(axis => x.Shape[axis])]);
    }

    /// <summary>There and back, with something elementwise in between, as converters from channels-last frameworks write it.</summary>
    private Sized? ChannelsLast(Sized x)
    {
        if (x.Rank < 3)
        {
            return null;
        }

        long[] inner = [.. Enumerable.Range(2, x.Rank - 2).Select(axis => (long)axis)];
        Value last = graph.AddNode("Transpose", [x.Value]).Set("perm", [0L, .. inner, 1L]).Output;
        Value made = graph.Add("Relu", graph.Add("Mul", graph.Add("Add", last, Weight(x.Shape[1])), Weight(1, x.Shape[1])));
        return x with { Value = graph.AddNode("Transpose", [made]).Set("perm", [0L, x.Rank - 1, .. inner.Select(axis => axis - 1)]).Output };
    }

    private Sized? AxisAdded(Sized x) => x.Rank > 4 ? null : Unsqueezed(x.Value, x.Shape, random.Next(x.Rank + 1));

    private Sized? AxisDropped(Sized x)
    {
        int[] ones = [.. Enumerable.Range(0, x.Rank).Where(axis => x.Shape[axis] == 1)];
        if (ones.Length == 0 || x.Rank < 2)
        {
            return null;
        }

        int dropped = Any(ones);
        return new Sized(WithAxes(graph.AddNode("Squeeze", [x.Value]), [FromEitherEnd(dropped, x.Rank)], 13).Output, Without(x.Shape, dropped));
    }

    /// <summary>An axis turned and dropped, and then something that looks at axes, as converters of recurrent layers write it.</summary>
    private Sized? BehindTranspose(Sized x)
    {
        Sized turned = Transposed(x);
        Sized left = AxisDropped(turned) ?? turned;
        // The largest of computed numbers may be another one after rounding.
        return Any<Func<Sized, Sized?>>(AxisDropped, Reduced, x.Value.IsInput ? Largest : Gathered, Sliced, CutInTwo)(left);
    }

    private Sized? Largest(Sized x)
    {
        if (x.IsEmpty || x.Rank < 2)
        {
            return null;
        }

        int axis = random.Next(x.Rank);
        bool keep = Toss();
        Value indices = graph.AddNode("ArgMax", [x.Value]).Set("axis", FromEitherEnd(axis, x.Rank)).Set("keepdims", keep ? 1L : 0).Output;
        Sized made = keep ? new Sized(indices, Replaced(x.Shape, axis, 1)) : Unsqueezed(indices, Without(x.Shape, axis), axis);
        return made with { Value = graph.AddNode("Cast", [made.Value]).Set("to", Float).Output };
    }

    private Sized Flattened(Sized x)
    {
        int axis = random.Next(x.Rank + 1);
        return new Sized(graph.AddNode("Flatten", [x.Value]).Set("axis", axis).Output, [Count(x.Shape[..axis]), Count(x.Shape[axis..])]);
    }

    private Sized? Reshaped(Sized x)
    {
        if (x.IsEmpty)
        {
            return null;
        }

        long[] shape = Any<long[]>([Count(x.Shape)], [1, Count(x.Shape)], [.. x.Shape.Reverse()]);
        long[] stated = [.. shape];
        if (Toss())
        {
            stated[random.Next(stated.Length)] = -1;
        }

        return new Sized(graph.Add("Reshape", x.Value, Integers(stated)), shape);
    }

    /// <summary>By its own shape, by one dimension of it, or by one of another value.</summary>
    private Sized? ReshapedByShape(Sized x)
    {
        if (x.IsEmpty)
        {
            return null;
        }

        Sized other = Any(values.Where(value => value.Shape[0] == x.Shape[0]).ToArray());
        return random.Next(3) switch
        {
            0 => x with { Value = graph.Add("Reshape", x.Value, graph.Add("Shape", x.Value)) },
            1 => new Sized(Restated(x.Value, x.Value, Integers(-1)), [x.Shape[0], Count(x.Shape[1..])]),
            _ => x with { Value = Restated(x.Value, other.Value, [.. x.Shape[1..].Select(size => Integers(size))]) },
        };
    }

    private Value Restated(Value x, Value source, params Value[] rest) =>
        graph.Add("Reshape", x, graph.AddNode("Concat", [graph.Add("Gather", graph.Add("Shape", source), Integers(0)), .. rest]).Set("axis", 0L).Output);

    private Sized? Sliced(Sized x)
    {
        if (opset < 10 || x.IsEmpty)
        {
            return null;
        }

        int axis = random.Next(x.Rank);
        int start = random.Next((int)x.Shape[axis]);
        int end = start + 1 + random.Next((int)x.Shape[axis] - start);
        int step = random.Next(1, 3);
        Value to = Integers(end == x.Shape[axis] ? Any(end, long.MaxValue, int.MaxValue) : end);
        return new Sized(graph.Add("Slice", x.Value, Integers(start), to, Integers(Toss() ? axis : axis - x.Rank), Integers(step)), Replaced(x.Shape, axis, (end - start + step - 1) / step));
    }

    private Sized? CutInTwo(Sized x)
    {
        int axis = x.Rank - 1;
        if (opset < 10 || x.Shape[axis] < 2)
        {
            return null;
        }

        long cut = random.Next(1, (int)x.Shape[axis]);
        values.Add(new Sized(graph.Add("Slice", x.Value, Integers(0), Integers(cut), Integers(axis)), Replaced(x.Shape, axis, cut)));
        return new Sized(graph.Add("Slice", x.Value, Integers(cut), Integers(x.Shape[axis]), Integers(-1)), Replaced(x.Shape, axis, x.Shape[axis] - cut));
    }

    private Sized Joined(Sized x)
    {
        int axis = random.Next(x.Rank);
        Sized other = Any(values.Where(value => value.Rank == x.Rank && Without(value.Shape, axis).SequenceEqual(Without(x.Shape, axis))).ToArray());
        return new Sized(graph.AddNode("Concat", [x.Value, other.Value]).Set("axis", axis).Output, Replaced(x.Shape, axis, x.Shape[axis] + other.Shape[axis]));
    }

    private Sized? Gathered(Sized x)
    {
        if (x.IsEmpty)
        {
            return null;
        }

        int axis = random.Next(x.Rank);
        Value gathered = graph.AddNode("Gather", [x.Value, Constant(Tensor.Scalar((long)random.Next((int)x.Shape[axis])))]).Set("axis", FromEitherEnd(axis, x.Rank)).Output;
        return x.Rank == 1 || Toss() ? Unsqueezed(gathered, Without(x.Shape, axis), axis) : new Sized(gathered, Without(x.Shape, axis));
    }

    private Sized Expanded(Sized x)
    {
        long[] shape = [.. x.Shape.Select(size => size == 1 && Toss() ? 3 : size)];
        return new Sized(graph.Add("Expand", x.Value, Integers(shape)), shape);
    }

    /// <summary>To the shape of another value, then times that value, or times itself.</summary>
    private Sized? ExpandedToOther(Sized x)
    {
        Sized other = Any(values.Where(value => value.Rank == x.Rank).ToArray());
        if (x.Shape.Zip(other.Shape).Any(pair => pair.First != pair.Second && pair.First != 1 && pair.Second != 1))
        {
            return null;
        }

        Value expanded = graph.Add("Expand", x.Value, graph.Add("Shape", other.Value));
        return new Sized(graph.Add("Mul", expanded, Toss() ? other.Value : expanded), [.. x.Shape.Zip(other.Shape, Math.Max)]);
    }

    private Sized? Padded(Sized x)
    {
        if (x.Rank < 3)
        {
            return null;
        }

        long[] pads = [.. Enumerable.Range(0, 2 * x.Rank).Select(i => i % x.Rank < 2 ? 0L : random.Next(2))];
        Value? with = random.Next(3) == 0 ? Number(random.Next(2)) : null;
        Value padded = opset < 11 ? graph.AddNode("Pad", [x.Value]).Set("pads", pads).Output : graph.Add("Pad", x.Value, Integers(pads), with);
        return new Sized(padded, [.. x.Shape.Select((size, axis) => size + pads[axis] + pads[axis + x.Rank])]);
    }

    private Sized FilledLike(Sized x) => x with { Value = graph.Add("Add", x.Value, graph.Add("ConstantOfShape", graph.Add("Shape", x.Value))) };

    private Sized? Convolution(Sized x)
    {
        if (x.Rank < 3 || x.IsEmpty)
        {
            return null;
        }

        bool depthwise = random.Next(3) == 0;
        bool padded = Toss();
        long[] kernel = [.. x.Shape[2..].Select(size => size >= 3 && Toss() ? 3L : 1)];
        long channels = depthwise ? x.Shape[1] : random.Next(1, 4);
        Node layer = graph.AddNode("Conv", [x.Value, Weight([channels, depthwise ? 1 : x.Shape[1], .. kernel]), Toss() ? Weight(channels) : null]);
        layer.Set("group", depthwise ? x.Shape[1] : 1);
        layer.Set("pads", [.. kernel.Concat(kernel).Select(size => padded ? size / 2 : 0)]);
        return new Sized(layer.Output, [x.Shape[0], channels, .. x.Shape[2..].Zip(kernel, (size, side) => padded ? size : size - side + 1)]);
    }

    private Sized? TransposedConvolution(Sized x)
    {
        if (x.Rank < 3 || x.IsEmpty)
        {
            return null;
        }

        long groups = x.Shape[1] % 2 == 0 && Toss() ? 2 : 1;
        long channels = random.Next(1, 4);
        Value weight = Weight([x.Shape[1], channels, .. Enumerable.Repeat(2L, x.Rank - 2)]);
        Node layer = graph.AddNode("ConvTranspose", [x.Value, weight, Toss() ? Weight(groups * channels) : null]).Set("group", groups);
        return new Sized(layer.Output, [x.Shape[0], groups * channels, .. x.Shape[2..].Select(size => size + 1)]);
    }

    private Sized? Normalization(Sized x)
    {
        if (x.Rank < 2 || x.IsEmpty)
        {
            return null;
        }

        long channels = x.Shape[1];
        Value variance = Constant(Filled([channels], () => random.NextSingle() + 0.1f));
        return x with { Value = graph.Add("BatchNormalization", x.Value, Weight(channels), Weight(channels), Weight(channels), variance) };
    }

    private Sized? MatrixProduct(Sized x)
    {
        if (x.IsEmpty)
        {
            return null;
        }

        long columns = random.Next(1, 4);
        Value product = graph.Add("MatMul", x.Value, Weight(x.Shape[^1], columns));
        return new Sized(Toss() ? graph.Add("Add", product, Weight(columns)) : product, [.. x.Shape[..^1], columns]);
    }

    private Sized? Gemm(Sized x)
    {
        if (x.Rank != 2 || x.IsEmpty)
        {
            return null;
        }

        long columns = random.Next(1, 4);
        bool transposed = Toss();
        Value? bias = opset < 11 || Toss() ? Weight(Any<long[]>([columns], [1, columns], [1], [x.Shape[0], 1])) : null;
        Node layer = graph.AddNode("Gemm", [x.Value, transposed ? Weight(columns, x.Shape[1]) : Weight(x.Shape[1], columns), bias]);
        layer.Set("transB", transposed ? 1L : 0).Set("alpha", Any(1, 0.5f)).Set("beta", Any(1, 2f));
        return new Sized(layer.Output, [x.Shape[0], columns]);
    }

    private Sized? Pooled(Sized x)
    {
        if (x.Rank < 3 || x.Shape[2..].Any(size => size < 2))
        {
            return null;
        }

        long[] kernel = [.. Enumerable.Repeat(2L, x.Rank - 2)];
        return new Sized(graph.AddNode(Any("MaxPool", "AveragePool"), [x.Value]).Set("kernel_shape", kernel).Output, [.. x.Shape[..2], .. x.Shape[2..].Select(size => size - 1)]);
    }

    private Sized? Reduced(Sized x)
    {
        if (x.IsEmpty)
        {
            return null;
        }

        int axis = random.Next(x.Rank);
        bool keep = x.Rank == 1 || Toss();
        string operation = Any("ReduceMean", "ReduceSum", "ReduceMax");
        Value reduced = WithAxes(graph.AddNode(operation, [x.Value]), [FromEitherEnd(axis, x.Rank)], operation == "ReduceSum" ? 13 : 18).Set("keepdims", keep ? 1L : 0).Output;
        return keep ? new Sized(reduced, Replaced(x.Shape, axis, 1))
            : Toss() ? Unsqueezed(reduced, Without(x.Shape, axis), axis)
            : new Sized(reduced, Without(x.Shape, axis));
    }

    private Sized Softmax(Sized x) => x with { Value = graph.AddNode("Softmax", [x.Value]).Set("axis", x.Rank - 1L).Output };

    private Sized HardSwish(Sized x)
    {
        Value shifted = graph.Add("Add", x.Value, Number(3));
        Value clipped = opset < 11 ? graph.AddNode("Clip", [shifted]).Set("min", 0f).Set("max", 6f).Output : graph.Add("Clip", shifted, Number(0), Number(6));
        return x with { Value = graph.Add("Mul", x.Value, graph.Add("Div", clipped, Number(6))) };
    }

    private Sized Gelu(Sized x)
    {
        Value error = graph.Add("Erf", graph.Add("Div", x.Value, Number(MathF.Sqrt(2))));
        return x with { Value = graph.Add("Mul", graph.Add("Mul", x.Value, graph.Add("Add", error, Number(1))), Number(0.5f)) };
    }

    private Sized? LayerNormalization(Sized x)
    {
        if (x.IsEmpty)
        {
            return null;
        }

        // Numbers that hardly differ are normalized to their rounding errors.
        Value spread = graph.Add("Add", x.Value, Constant(Tensor.Vector<float>([.. Enumerable.Range(0, (int)x.Shape[^1]).Select(i => (float)i)])));
        Value deviation = graph.Add("Sub", spread, Mean(spread));
        Value variance = Mean(graph.Add("Pow", deviation, Number(2)));
        Value normal = graph.Add("Div", deviation, graph.Add("Sqrt", graph.Add("Add", variance, Number(1e-5f))));
        return x with { Value = graph.Add("Add", graph.Add("Mul", normal, Weight(x.Shape[^1])), Weight(x.Shape[^1])) };

        Value Mean(Value value) => WithAxes(graph.AddNode("ReduceMean", [value]), [x.Rank - 1L], 18).Output;
    }

    /// <summary>By a constant, or by what constants and shapes give.</summary>
    private Sized Choice(Sized x)
    {
        Value condition = Constant(Tensor.Scalar(Toss()));
        if (Toss())
        {
            Value count = graph.AddNode("Cast", [graph.Add("Size", x.Value)]).Set("to", (long)ElementType.Int32).Output;
            condition = graph.Add("Equal", count, Constant(Tensor.Scalar((int)Count(x.Shape))));
        }

        Tensor shift = Broadcastable(x.Shape);
        return x with { Value = Branches.AddIf(condition, branch => branch.Add("Relu", x.Value), branch => branch.Add("Add", branch.Add("Sigmoid", x.Value), branch.AddInitializer("c", shift))) };
    }

    /// <summary>The branches differ in the size of the first axis.</summary>
    private Sized ChoiceOfShape(Sized x)
    {
        long[] one = Replaced(x.Shape, 0, 1);
        Tensor other = Numbers(one);
        Value condition = graph.Add("Equal", graph.AddNode("Cast", [graph.Add("Size", x.Value)]).Set("to", (long)ElementType.Int32).Output, Constant(Tensor.Scalar((int)Count(x.Shape))));
        Value chosen = Branches.AddIf(condition, branch => branch.Add("Relu", x.Value), branch => branch.Add("Identity", branch.AddInitializer("c", other)));
        return new Sized(graph.Add("Reshape", graph.Add("Neg", chosen), graph.Add("Shape", chosen)), x.Shape);
    }
}
