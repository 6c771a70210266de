using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y = f(X) over some axes. ∂X = ∂Y ⊙ ∂f/∂X, with ∂Y and Y spread over the reduced axes again.</summary>
/// <param name="opType">The operator f.</param>
/// <param name="derivative">Adds ∂f/∂X from X, Y with the reduced axes kept as 1, and these axes.</param>
internal sealed class ReductionGradient(string opType, Func<GradientContext, Value, Value, long[], Value> derivative) : IGradientRule
{
    /// <summary>Operator set in which the axes of ReduceProd became an input.</summary>
    private const long AxesAsInput = 18;

    public static IEnumerable<IGradientRule> Rules { get; } =
    [
        new ReductionGradient("ReduceSum", (c, x, y, axes) => c.Number(1)),
        new ReductionGradient("ReduceMean", (c, x, y, axes) => c.Number(1f / axes.Select(axis => c.Shape(x)[axis]).Product())),
        new ReductionGradient("ReduceMax", Taken),
        new ReductionGradient("ReduceMin", Taken),
        new ReductionGradient("ReduceProd", Others),
        new ReductionGradient("ReduceL1", (c, x, y, axes) => c.Graph.Add("Sign", x)),
        new ReductionGradient("ReduceSumSquare", (c, x, y, axes) => c.Times(x, 2)),

        // x/y, and 0 at the kink where all of x is 0
        new ReductionGradient("ReduceL2", (c, x, y, axes) =>
            c.Graph.Add("Div", x, c.Graph.Add("Where", c.Graph.Add("Greater", y, c.Number(0)), y, c.Number(1)))),
        new ReductionGradient("ReduceLogSum", (c, x, y, axes) => c.Graph.Add("Exp", c.Graph.Add("Neg", y))),
        new ReductionGradient("ReduceLogSumExp", (c, x, y, axes) => c.Graph.Add("Exp", c.Graph.Add("Sub", x, y))),
        new ReductionGradient("GlobalMaxPool", Taken),
    ];

    public string OpType => opType;

    public void Differentiate(Node node, GradientContext context)
    {
        Value x = node.Input(0)!;
        long[] shape = context.Shape(x);
        if (Axes(node, shape.Length) is not { } axes)
        {
            throw new GradientException(node, "its axes are computed, which is not covered");
        }

        long[] kept = [.. shape.Select((size, axis) => axes.Contains(axis) ? 1 : size)];
        Value y = context.Reshape(node.Output, kept);
        Value product = context.Graph.Add("Mul", context.Reshape(context.Gradient(node.Output), kept), derivative(context, x, y, axes));
        context.Contribute(x, context.Graph.Add("Expand", product, context.Integers(shape)));
    }

    /// <summary>1 at the extreme element, in equal shares where several are equal.</summary>
    private static Value Taken(GradientContext context, Value x, Value y, long[] axes)
    {
        Value taken = context.Float(context.Graph.Add("Equal", x, y));
        return context.Graph.Add("Div", taken, context.ReduceSum(taken, keepAxes: true, axes));
    }

    /// <summary>The product of all elements but one, for each. A single zero has that of all others, beside it and beside two there is none left.</summary>
    private static Value Others(GradientContext context, Value x, Value y, long[] axes)
    {
        Value zero = context.Float(context.Graph.Add("Equal", x, context.Number(0)));
        Value filled = context.Graph.Add("Add", x, zero);
        Value product = axes.Length == 0 ? filled : context.Graph.AddNode("ReduceProd", context.Graph.Model.Opset >= AxesAsInput ? [filled, context.Integers(axes)] : [filled]).Output;
        if (axes.Length > 0 && context.Graph.Model.Opset < AxesAsInput)
        {
            product.Producer!.Set("axes", axes);
        }

        Value zeros = context.Graph.Add("Sub", context.ReduceSum(zero, keepAxes: true, axes), zero);
        return context.Graph.Add("Mul", context.Graph.Add("Div", product, filled), context.Float(context.Graph.Add("Equal", zeros, context.Number(0))));
    }

    /// <summary>The reduced axes, not negative; null when they are computed.</summary>
    private static long[]? Axes(Node node, int rank)
    {
        if (node.OpType == "GlobalMaxPool")
        {
            return [.. Enumerable.Range(2, rank - 2).Select(axis => (long)axis)];
        }

        long[]? axes = node.GetInts("axes");
        if (node.Input(1) is { } input)
        {
            if (input.Constant is not { } constant)
            {
                return null;
            }

            axes = constant.Span<long>().ToArray();
        }

        return axes is { Length: > 0 } ? [.. axes.Select(axis => axis < 0 ? axis + rank : axis)]
            : node.GetInt("noop_with_empty_axes", 0) != 0 ? []
            : [.. Enumerable.Range(0, rank).Select(axis => (long)axis)];
    }
}
