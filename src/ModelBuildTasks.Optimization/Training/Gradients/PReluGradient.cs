using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y = X where X is positive, else s ⊙ X. ∂X = ∂Y, or s ⊙ ∂Y; ∂s = ∂Y ⊙ min(X, 0), summed over the axes along which s was broadcast.</summary>
internal sealed class PReluGradient : IGradientRule
{
    public string OpType => "PRelu";

    public void Differentiate(Node node, GradientContext context)
    {
        Graph graph = context.Graph;
        Value x = node.Input(0)!, slope = node.Input(1)!, dy = context.Gradient(node.Output);
        if (context.Needs(x))
        {
            context.Contribute(x, graph.Add("Where", graph.Add("Greater", x, context.Number(0)), dy, graph.Add("Mul", dy, slope)));
        }

        if (context.Needs(slope))
        {
            context.ContributeReduced(slope, graph.Add("Mul", dy, graph.Add("Min", x, context.Number(0))), context.Shape(x));
        }
    }
}
