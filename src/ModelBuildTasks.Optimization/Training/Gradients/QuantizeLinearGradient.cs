using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// Q rounds X/s to whole numbers, within a range. The straight-through estimator (Bengio, Léonard, Courville 2013) takes the rounding for no change: ∂X is ∂Y where X
/// is in the range, and 0 where it was cut. The scale gets −Σ ∂X ⊙ X/s; with what <see cref="DequantizeLinearGradient"/> adds, a pair of one scale has the gradient of
/// LSQ, Σ ∂Y ⊙ (q − z − X/s) inside and Σ ∂Y ⊙ (q − z) outside (Esser et al., "Learned Step Size Quantization", ICLR 2020).
/// </summary>
internal sealed class QuantizeLinearGradient : IGradientRule
{
    public string OpType => "QuantizeLinear";

    public void Differentiate(Node node, GradientContext context)
    {
        Graph graph = context.Graph;
        Value x = node.Input(0)!, scale = node.Input(1)!;
        if (CodePath.RangeOf(node) is not var (lowest, highest))
        {
            throw new GradientException(node, "only whole numbers are covered, of a type that a constant zero point states");
        }

        if (node.GetInt("block_size", 0) != 0 || !CodePath.EndsInDequantization(node.Output))
        {
            throw new GradientException(node, "only pairs with DequantizeLinear are covered, without blocks");
        }

        Value atLowest = AlongItsAxis(node, graph.Add("Mul", scale, FromZero(node, lowest, context)), context);
        Value atHighest = AlongItsAxis(node, graph.Add("Mul", scale, FromZero(node, highest, context)), context);
        // The lowest number is outside: where it is 0, quantization has done the work of a Relu, which passes nothing at 0.
        Value isKept = graph.Add("And", graph.Add("Greater", x, atLowest), graph.Add("LessOrEqual", x, atHighest));
        Value dx = graph.Add("Where", isKept, context.Gradient(node.Output), context.Number(0));
        if (context.Needs(x))
        {
            context.Contribute(x, dx);
        }

        if (context.Needs(scale))
        {
            context.Contribute(scale, graph.Add("Neg", CodePath.PerScale(node, dx, x, context)));
        }
    }

    /// <summary>How far a code is from the zero point, in the shape of the zero point.</summary>
    private static Value FromZero(Node node, int code, GradientContext context) =>
        node.Input(2)?.Constant is { } zeroPoint
            ? context.Graph.AddInitializer("from_zero", Tensor.Create([.. zeroPoint.Dimensions], [.. CodePath.NumbersOf(zeroPoint).Select(zero => code - zero)]))
            : context.Number(code);

    private static Value AlongItsAxis(Node node, Value bound, GradientContext context)
    {
        Value x = node.Input(0)!;
        long[] shape = context.Shape(x), steps = context.Shape(node.Input(1)!);
        long count = steps.Length == 0 ? 1 : steps[0];
        if (count == 1)
        {
            return context.Reshape(bound);
        }

        int axis = context.Axis(node.GetInt("axis", 1), x);
        return context.Reshape(bound, [.. shape.Select((_, other) => other == axis ? count : 1L)]);
    }
}
