using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y = A / B. ∂A = ∂Y / B and ∂B = −Y ⊙ ∂Y / B, each summed over the axes along which the operand was broadcast.</summary>
internal sealed class DivGradient : IGradientRule
{
    public string OpType => "Div";

    public bool Covers(ElementType type) => type is ElementType.Float or ElementType.Double;

    public void Differentiate(Node node, GradientContext context)
    {
        Graph graph = context.Graph;
        Value a = node.Input(0)!, b = node.Input(1)!;
        Value share = graph.Add("Div", context.Gradient(node.Output), b);
        long[] shape = context.Shape(node.Output);
        if (context.Needs(a))
        {
            context.ContributeReduced(a, share, shape);
        }

        if (context.Needs(b))
        {
            context.ContributeReduced(b, graph.Add("Neg", graph.Add("Mul", share, node.Output)), shape);
        }
    }
}
