using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// What the normalizations of single samples share: Y = γ ⊙ x̂ + β with x̂ = (X − μ)·r and r = 1/√(σ² + ε), with μ and σ² over some axes of X in
/// a fitting shape. With g = γ ⊙ ∂Y: ∂X = r·(g − mean(g) − x̂ ⊙ mean(g ⊙ x̂)) over the same axes (Ba, Kiros, Hinton 2016). Without a centre μ
/// is 0, σ² the mean square, and mean(g) drops out (Zhang, Sennrich 2019).
/// </summary>
/// <param name="Shape">X in the shape in which it is normalized.</param>
/// <param name="Axes">The axes of that shape that are normalized together.</param>
/// <param name="Parameters">The shape of γ and β that broadcasts to <paramref name="Shape"/>.</param>
/// <param name="Epsilon">ε.</param>
/// <param name="IsCentred">Whether μ is subtracted.</param>
internal sealed record Standardization(long[] Shape, long[] Axes, long[] Parameters, float Epsilon, bool IsCentred = true)
{
    /// <param name="node">The normalization; inputs X, γ and β, of which the last may be missing.</param>
    /// <param name="context">Where gradients go.</param>
    public void Differentiate(Node node, GradientContext context)
    {
        Graph graph = context.Graph;
        Value input = node.Input(0)!, gamma = node.Input(1)!;
        Value x = context.Reshape(input, Shape), dy = context.Reshape(context.Gradient(node.Output), Shape);
        Value centred = IsCentred ? graph.Add("Sub", x, Mean(x, context)) : x;
        Value rate = graph.Add("Reciprocal", graph.Add("Sqrt", context.Plus(Mean(context.Square(centred), context), Epsilon)));
        Value standard = graph.Add("Mul", centred, rate);
        if (context.Needs(input))
        {
            Value g = graph.Add("Mul", dy, context.Reshape(gamma, Parameters));
            Value along = graph.Add("Mul", standard, Mean(graph.Add("Mul", g, standard), context));
            Value across = graph.Add("Sub", IsCentred ? graph.Add("Sub", g, Mean(g, context)) : g, along);
            context.Contribute(input, context.Reshape(graph.Add("Mul", across, rate), context.Shape(input)));
        }

        ContributeParameter(gamma, graph.Add("Mul", dy, standard), context);
        ContributeParameter(node.Input(2), dy, context);
    }

    private void ContributeParameter(Value? parameter, Value gradient, GradientContext context)
    {
        if (context.Needs(parameter))
        {
            context.Contribute(parameter!, context.Reshape(context.SumTo(gradient, Shape, Parameters), context.Shape(parameter!)));
        }
    }

    private Value Mean(Value value, GradientContext context) =>
        context.Times(context.ReduceSum(value, keepAxes: true, Axes), 1f / Axes.Select(axis => Shape[axis]).Product());
}
