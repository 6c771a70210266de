using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// Y is a part of X along some axes. ∂X is ∂Y with zeros where nothing was taken: padded, with zeros in the gaps of a step, or scattered
/// along the axis where the step goes back.
/// </summary>
internal sealed class SliceGradient : IGradientRule
{
    private readonly SelectionGradient computed = new("Slice");

    public string OpType => "Slice";

    public void Differentiate(Node node, GradientContext context)
    {
        Value x = node.Input(0)!;
        if (node.Inputs.Skip(1).Any(input => input is not null && input.Constant is null))
        {
            computed.Differentiate(node, context);
            return;
        }

        long[] shape = context.Shape(x), part = [.. context.Shape(node.Output)];
        long[] starts = Integers(node, 1)!, axes = Integers(node, 3) ?? [.. starts.Select((_, i) => (long)i)];
        long[] steps = Integers(node, 4) ?? [.. starts.Select(_ => 1L)];
        Value gradient = context.Gradient(node.Output);
        for (int i = 0; i < axes.Length; i++)
        {
            int axis = context.Axis(axes[i], x);
            long first = First(starts[i], shape[axis], steps[i]), taken = part[axis];
            part[axis] = shape[axis];
            if (steps[i] == 1 || (steps[i] > 1 && taken > 0))
            {
                gradient = Spread(gradient, axis, first, steps[i], [.. part[..axis], taken, .. part[(axis + 1)..]], shape[axis], context);
            }
            else
            {
                gradient = Scatter(gradient, axis, [.. Enumerable.Range(0, (int)taken).Select(k => first + (k * steps[i]))], part, context);
            }
        }

        context.Contribute(x, gradient);
    }

    /// <summary>Zeros between the elements, by an axis of its own, then before and behind them: much quicker than scattering.</summary>
    private static Value Spread(Value gradient, int axis, long first, long step, long[] part, long size, GradientContext context)
    {
        long length = part[axis];
        if (step > 1)
        {
            long[] apart = new long[2 * (part.Length + 1)];
            apart[axis + 1 + part.Length + 1] = step - 1;
            gradient = context.Graph.Add("Pad", context.Reshape(gradient, [.. part[..(axis + 1)], 1, .. part[(axis + 1)..]]), context.Integers(apart));
            length *= step;
            gradient = context.Reshape(gradient, [.. part[..axis], length, .. part[(axis + 1)..]]);
        }

        // Behind the last element there may be fewer places than zeros, which are cut off.
        long[] pads = new long[2 * part.Length];
        pads[axis] = first;
        pads[axis + part.Length] = size - first - length;
        return context.Graph.Add("Pad", gradient, context.Integers(pads));
    }

    /// <param name="gradient">Has only <paramref name="places"/> along the axis.</param>
    /// <param name="axis">The axis.</param>
    /// <param name="places">Where its elements go.</param>
    /// <param name="shape">The shape of the result.</param>
    /// <param name="context">Where to add operators.</param>
    private static Value Scatter(Value gradient, int axis, long[] places, long[] shape, GradientContext context)
    {
        long[] along = [.. shape.Select((_, other) => other == axis ? places.Length : 1L)], all = [.. shape];
        all[axis] = places.Length;
        Value indices = context.Graph.Add("Expand", context.Graph.AddInitializer("places", Tensor.Create(along, places)), context.Integers(all));
        return context.Graph.AddNode("ScatterElements", [context.Zeros(shape), indices, gradient]).Set("axis", axis).Output;
    }

    /// <summary>The first element that is taken, with the specification's clamping.</summary>
    private static long First(long start, long size, long step) =>
        Math.Clamp(start < 0 ? start + size : start, 0, step > 0 ? size : size - 1);

    private static long[]? Integers(Node node, int input) => node.Input(input)?.Constant switch
    {
        null => null,
        { ElementType: ElementType.Int32 } constant => Array.ConvertAll(constant.Span<int>().ToArray(), value => (long)value),
        { } constant => constant.Span<long>().ToArray(),
    };
}
