using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Integers between QuantizeLinear and DequantizeLinear, which operators that move, copy or pick elements may handle on the way: the scale stays theirs.</summary>
internal static class CodePath
{
    private static readonly HashSet<string> Movers = new(StringComparer.Ordinal)
    {
        "Concat", "DepthToSpace", "Expand", "Flatten", "Gather", "Identity", "MaxPool", "Pad", "Reshape", "Resize", "Slice", "SpaceToDepth", "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze",
    };

    /// <summary>Whether a node only moves, copies or picks elements.</summary>
    internal static bool IsMover(Node node) => node.Domain.Length == 0 && Movers.Contains(node.OpType);

    /// <summary>The inputs of a mover that hold elements; not shapes and indices.</summary>
    internal static IEnumerable<Value> Moved(Node mover) => mover.OpType == "Concat" ? mover.Inputs.OfType<Value>() : [mover.Input(0)!];

    /// <summary>The QuantizeLinear nodes that integers come from, constants aside; null where other operators compute them.</summary>
    internal static IReadOnlyList<Node>? Sources(Value codes)
    {
        if (codes.Producer is not { } producer)
        {
            return codes.Constant is not null ? [] : null;
        }

        if (producer is { OpType: "QuantizeLinear", Domain: "" })
        {
            return [producer];
        }

        if (!IsMover(producer))
        {
            return codes.Constant is not null ? [] : null;
        }

        List<Node> sources = [];
        foreach (Value moved in Moved(producer))
        {
            if (Sources(moved) is not { } found)
            {
                return null;
            }

            sources.AddRange(found);
        }

        return sources;
    }

    /// <summary>Whether integers are read by DequantizeLinear alone, be it behind movers.</summary>
    internal static bool EndsInDequantization(Value codes) =>
        !codes.IsOutput && codes.Uses.All(use => use.Node is { OpType: "DequantizeLinear", Domain: "" }
            || (IsMover(use.Node) && Moved(use.Node).Contains(codes) && use.Node.Outputs.All(EndsInDequantization)));

    /// <summary>Whether two scales are one value, repeated or not, or the same number.</summary>
    internal static bool IsSameScale(Value first, Value second)
    {
        (first, second) = (Unrepeated(first), Unrepeated(second));
        if (first == second)
        {
            return true;
        }

        if (first.Initializer is not { ElementType: ElementType.Float } one || second.Initializer is not { ElementType: ElementType.Float } other)
        {
            return false;
        }

        ReadOnlySpan<float> numbers = one.Span<float>(), others = other.Span<float>();
        return numbers.SequenceEqual(others)
            || (!numbers.IsEmpty && !others.IsEmpty && !numbers.ContainsAnyExcept(numbers[0]) && !others.ContainsAnyExcept(numbers[0]));
    }

    /// <summary>Σ gradient ⊙ numbers/s over all elements that a scale of the node is for, in the shape of its scales.</summary>
    /// <param name="node">A QuantizeLinear or DequantizeLinear.</param>
    /// <param name="gradient">Of the shape of what it reads.</param>
    /// <param name="numbers">Of the same shape.</param>
    /// <param name="context">Where the sum is added.</param>
    internal static Value PerScale(Node node, Value gradient, Value numbers, GradientContext context)
    {
        Value scale = node.Input(1)!;
        long[] shape = context.Shape(scale), elements = context.Shape(node.Input(0)!);
        Value product = context.Graph.Add("Mul", gradient, numbers);
        bool isForTensor = shape.All(size => size == 1);
        int axis = isForTensor ? -1 : context.Axis(node.GetInt("axis", 1), node.Input(0)!);
        long[] summed = [.. Enumerable.Range(0, elements.Length).Where(other => other != axis).Select(other => (long)other)];
        return context.Graph.Add("Div", context.Reshape(context.ReduceSum(product, keepAxes: false, summed), shape), scale);
    }

    /// <summary>The lowest and highest code of a QuantizeLinear's type; null where steps are not all of one size, or the type isn't stated.</summary>
    internal static (int Lowest, int Highest)? RangeOf(Node quantize) =>
        RangeOf(quantize.Input(2) is { } zeroPoint ? zeroPoint.Constant?.ElementType : (ElementType)quantize.GetInt("output_dtype", (long)ElementType.UInt8));

    /// <inheritdoc cref="RangeOf(Node)"/>
    internal static (int Lowest, int Highest)? RangeOf(ElementType? codes) => codes switch
    {
        ElementType.Int4 => (-8, 7),
        ElementType.UInt4 => (0, 15),
        ElementType.Int8 => (sbyte.MinValue, sbyte.MaxValue),
        ElementType.UInt8 => (byte.MinValue, byte.MaxValue),
        ElementType.Int16 => (short.MinValue, short.MaxValue),
        ElementType.UInt16 => (ushort.MinValue, ushort.MaxValue),
        _ => null,
    };

    /// <summary>Whole numbers of any width as float.</summary>
    internal static float[] NumbersOf(Tensor codes)
    {
        if (codes.ElementType is not (ElementType.Int4 or ElementType.UInt4))
        {
            return codes.ToSingles();
        }

        ReadOnlySpan<byte> packed = codes.Data.Span;
        float[] numbers = new float[codes.Length];
        for (int i = 0; i < numbers.Length; i++)
        {
            int code = (packed[i / 2] >> (i % 2 * 4)) & 0xF;
            numbers[i] = codes.ElementType == ElementType.Int4 && code > 7 ? code - 16 : code;
        }

        return numbers;
    }

    private static Value Unrepeated(Value scale)
    {
        while (scale.Producer is { OpType: "Expand" or "Identity" or "Reshape", Domain: "" } repeat)
        {
            scale = repeat.Input(0)!;
        }

        return scale;
    }
}
