using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

/// <summary>
/// A small random graph of the operators that rules look at, with inputs for it at two batch sizes. One seed gives one graph. Shapes
/// hold at the first batch size; what the graph makes of the other one is its own business.
/// </summary>
internal sealed partial class RandomGraph
{
    private const int LongestSide = 4;

    private static readonly long[] Opsets = [9, 11, 13, 15, 17, 18, 20, 21];

    private readonly Random random;
    private readonly Graph graph;
    private readonly long opset;
    private readonly List<Sized> values = [];

    internal RandomGraph(int seed)
    {
        random = new Random(seed);
        opset = Opsets[random.Next(Opsets.Length)];
        Model = Model.Create("random", opset, opset >= 21 ? 10 : 8);
        graph = Model.Graph;
        Inputs = AddInputs();
        for (int steps = random.Next(3, 14); steps > 0; steps--)
        {
            if (AddOperator() is { Shape.Length: > 0 } made)
            {
                values.Add(made);
            }
        }

        AddOutputs();
    }

    internal Model Model { get; }

    /// <summary>For each of two batch sizes, a tensor an input.</summary>
    internal IReadOnlyList<Tensor>[] Inputs { get; }

    private sealed record Sized(Value Value, long[] Shape)
    {
        internal int Rank => Shape.Length;

        internal bool IsEmpty => Shape.Any(size => size < 1);
    }

    private Func<Sized, Sized?>[] Operators =>
    [
        Activation, ArithmeticWithConstant, ArithmeticWithConstant, ChannelAffine, Pairwise, Clamp, CastBack, NoOp,
        Transposed, BehindTranspose, BehindTranspose, ChannelsLast, AxisAdded, AxisDropped, Flattened, Reshaped, ReshapedByShape, Sliced, CutInTwo, Joined, Gathered, Expanded, ExpandedToOther, Padded, FilledLike,
        Convolution, TransposedConvolution, Normalization, MatrixProduct, Gemm, Pooled, Reduced, Softmax,
        HardSwish, Gelu, LayerNormalization, Choice, ChoiceOfShape,
    ];

    private IReadOnlyList<Tensor>[] AddInputs()
    {
        long[] batches = [random.Next(1, 4), random.Next(1, 4)];
        List<Tensor>[] fed = [[], []];
        for (int i = random.Next(1, 4); i > 0; i--)
        {
            bool hasBatch = random.Next(2) == 0;
            long[] sizes = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.Next(4) == 0 ? 1L : random.Next(2, LongestSide + 1))];
            Dimension[] stated = [.. sizes.Select((size, axis) => hasBatch && axis == 0 ? "N" : random.Next(5) > 0 ? size : random.Next(2) == 0 ? Dimension.Unknown : (Dimension)"None")];
            Value input = graph.AddInput($"x{i}", new TensorType(ElementType.Float, stated));
            for (int feed = 0; feed < batches.Length; feed++)
            {
                long[] shape = hasBatch ? [batches[feed], .. sizes[1..]] : sizes;
                fed[feed].Add(Numbers(shape));
                if (feed == 0)
                {
                    values.Add(new Sized(input, shape));
                }
            }
        }

        return [fed[0], fed[1]];
    }

    /// <summary>Mostly on what was made last, so that operators stand in a row.</summary>
    private Sized? AddOperator()
    {
        Sized x = random.Next(3) == 0 ? values[random.Next(values.Count)] : values[Math.Max(0, values.Count - 1 - random.Next(3))];
        return Operators[random.Next(Operators.Length)](x);
    }

    private void AddOutputs()
    {
        Value[] made = [.. values.Select(value => value.Value).Where(value => value.Producer is not null).Distinct()];
        foreach (Value value in made.Where(value => value.Uses.Count == 0 || random.Next(7) == 0))
        {
            value.Name = $"y{graph.Outputs.Count}";
            graph.AddOutput(value);
        }

        graph.RemoveUnused();
    }

    private bool Toss() => random.Next(2) == 0;

    private T Any<T>(params T[] choices) => choices[random.Next(choices.Length)];

    private Tensor Numbers(params long[] shape) => Filled(shape, () => random.NextSingle() * 2 - 1);

    private static Tensor Filled(long[] shape, Func<float> next) =>
        Tensor.Create(shape, [.. Enumerable.Range(0, (int)Count(shape)).Select(_ => next())]);

    private static long Count(IEnumerable<long> shape) => shape.Aggregate(1L, (product, size) => product * size);

    private Value Weight(params long[] shape) => graph.AddInitializer("w", Numbers(shape));

    private Value Constant(Tensor tensor) => graph.AddInitializer("c", tensor);

    private Value Number(float number) => Constant(Tensor.Scalar(number));

    private Value Integers(params long[] numbers) => Constant(Tensor.Vector(numbers));

    /// <summary>Zeros, ones, or other numbers, in a shape that broadcasts to <paramref name="shape"/>.</summary>
    private Tensor Broadcastable(long[] shape)
    {
        long[] part = [.. shape[random.Next(shape.Length + 1)..].Select(size => Toss() ? 1 : size)];
        return random.Next(4) switch
        {
            0 => Filled(part, () => 0),
            1 => Filled(part, () => 1),
            _ => Numbers(part),
        };
    }

    /// <summary>States axes as an attribute, or since <paramref name="inputSince"/> as an input.</summary>
    private Node WithAxes(Node node, long[] axes, long inputSince)
    {
        if (opset < inputSince)
        {
            return node.Set("axes", axes);
        }

        node.SetInput(1, Integers(axes));
        return node;
    }

    private Sized Unsqueezed(Value value, long[] shape, int axis) =>
        new(WithAxes(graph.AddNode("Unsqueeze", [value]), [FromEitherEnd(axis, shape.Length + 1)], 13).Output, [.. shape[..axis], 1, .. shape[axis..]]);

    /// <summary>Since operator set 11, axes may be negative, and then count from the end.</summary>
    private long FromEitherEnd(int axis, int rank) => opset >= 11 && Toss() ? axis - rank : axis;

    private static long[] Replaced(long[] shape, int axis, long size) => [.. shape.Select((old, i) => i == axis ? size : old)];

    private static long[] Without(long[] shape, int axis) => [.. shape.Where((_, i) => i != axis)];
}
