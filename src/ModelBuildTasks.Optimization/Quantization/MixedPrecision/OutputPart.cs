using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization.MixedPrecision;

/// <summary>
/// A part of one output whose numbers mean the same kind of thing: what one input of the Concat behind the output gave, as where a detector joins
/// boxes and probabilities, else the whole output. One figure over a mixed output would be that of its largest numbers.
/// </summary>
/// <param name="Name">The output's name, with the range of channels where it has several parts.</param>
/// <param name="Output">The output's index.</param>
/// <param name="Axis">The axis along which channels are told apart; −1 where all elements are one channel, as the scores of classes are.</param>
/// <param name="First">The first channel.</param>
/// <param name="Count">Number of channels.</param>
internal sealed record OutputPart(string Name, int Output, int Axis, int First, int Count)
{
    /// <summary>More channels than this are positions rather than kinds.</summary>
    private const long MostChannels = 1024;

    /// <param name="value">The output.</param>
    /// <param name="index">Its index.</param>
    /// <param name="shape">Its shape, without an axis of length 0.</param>
    /// <param name="shapeOf">The shape of values behind it.</param>
    internal static IEnumerable<OutputPart> Of(Value value, int index, IReadOnlyList<long> shape, Func<Value, IReadOnlyList<long>> shapeOf)
    {
        if (Joined(value) is { } concat && WidthsOf(concat, shapeOf) is { } widths && AxisOf(shape, widths.Sum()) is { } joined)
        {
            int first = 0;
            foreach (int width in widths.Where(width => width > 0))
            {
                yield return new OutputPart($"{value.Name}[{first}..{first + width - 1}]", index, joined, first, width);
                first += width;
            }

            yield break;
        }

        int axis = ChannelAxis(shape);
        yield return new OutputPart(value.Name, index, axis, 0, axis < 0 ? 1 : (int)shape[axis]);
    }

    /// <summary>Whether an output [batch, classes] or [batch, classes, 1, 1] gives one number for each class.</summary>
    internal static bool IsOfClasses(IReadOnlyList<long> shape) => shape.Count >= 2 && shape[1] > 1 && shape.Skip(2).All(size => size == 1);

    private static Node? Joined(Value value)
    {
        Node? node = value.Producer;
        while (node is { OpType: "Transpose" or "Reshape" or "Flatten" or "Squeeze" or "Unsqueeze" or "Identity" or "Cast", Domain: "" })
        {
            node = node.Input(0)?.Producer;
        }

        return node is { OpType: "Concat", Domain: "" } ? node : null;
    }

    private static int[]? WidthsOf(Node concat, Func<Value, IReadOnlyList<long>> shapeOf)
    {
        IReadOnlyList<long>[] shapes = [.. concat.Inputs.Select(input => shapeOf(input!))];
        int rank = shapes[0].Count;
        int axis = (int)concat.GetInt("axis", 1);
        axis = axis < 0 ? axis + rank : axis;
        return axis > 0 && axis < rank && shapes.All(shape => shape.Count == rank) ? [.. shapes.Select(shape => (int)shape[axis])] : null;
    }

    /// <summary>The axis that has the size of what was joined, the batch aside.</summary>
    private static int? AxisOf(IReadOnlyList<long> shape, int width)
    {
        for (int axis = shape.Count - 1; axis > 0; axis--)
        {
            if (shape[axis] == width)
            {
                return axis;
            }
        }

        return null;
    }

    private static int ChannelAxis(IReadOnlyList<long> shape)
    {
        if (shape.Count < 3 || IsOfClasses(shape))
        {
            return -1;
        }

        int axis = shape.Count == 3 && shape[2] < shape[1] ? 2 : 1;
        return shape[axis] <= MostChannels ? axis : -1;
    }
}
