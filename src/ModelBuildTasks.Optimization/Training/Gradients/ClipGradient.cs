using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// Y = min(max(X, low), high). Each element of ∂Y belongs to the operand that Y took: X strictly between the bounds, else the bound. With
/// low above high Y is high everywhere, as the specification says.
/// </summary>
internal sealed class ClipGradient : IGradientRule
{
    public string OpType => "Clip";

    public void Differentiate(Node node, GradientContext context)
    {
        Graph graph = context.Graph;
        Value x = node.Input(0)!, dy = context.Gradient(node.Output);
        Value? low = node.Input(1), high = node.Input(2);
        if (IsPlain(low, context) && IsPlain(high, context))
        {
            Value kept = low is null ? dy : graph.Add("Mul", dy, context.IsAbove(x, low.Constant!.ToSingles()[0]));
            context.Contribute(x, high is null ? kept : graph.Add("Mul", kept, context.IsBelow(x, high.Constant!.ToSingles()[0])));
            return;
        }

        Value zero = context.Number(0);
        Value passed = dy, atLow = zero;
        if (low is not null)
        {
            Value above = graph.Add("Greater", x, low);
            passed = graph.Add("Where", above, dy, zero);
            atLow = graph.Add("Where", above, zero, dy);
        }

        Value atHigh = zero;
        if (high is not null)
        {
            Value below = graph.Add("Less", graph.Add("Max", low is null ? [x] : [x, low]), high);
            atHigh = graph.Add("Where", below, zero, dy);
            passed = graph.Add("Where", below, passed, zero);
            atLow = graph.Add("Where", below, atLow, zero);
        }

        long[] shape = context.Shape(x);
        Contribute(x, passed, shape, context);
        Contribute(low, atLow, shape, context);
        Contribute(high, atHigh, shape, context);
    }

    /// <summary>Whether a bound is missing, or a number that is not trained.</summary>
    private static bool IsPlain(Value? bound, GradientContext context) =>
        bound is null || (!context.Needs(bound) && bound.Constant is { Length: 1 } limit && Math.Abs(limit.ToSingles()[0]) < GradientContext.LargestLimit);

    private static void Contribute(Value? operand, Value gradient, long[] shape, GradientContext context)
    {
        if (context.Needs(operand))
        {
            context.ContributeReduced(operand!, gradient, shape);
        }
    }
}
