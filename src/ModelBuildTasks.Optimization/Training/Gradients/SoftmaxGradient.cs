using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y = exp(X) / Σexp(X) along an axis. ∂X = Y ⊙ (∂Y − Σ ∂Y ⊙ Y).</summary>
internal sealed class SoftmaxGradient : IGradientRule
{
    public string OpType => "Softmax";

    public void Differentiate(Node node, GradientContext context)
    {
        Graph graph = context.Graph;
        Value dy = context.Gradient(node.Output), y = node.Output;
        Value mean = context.ReduceSum(graph.Add("Mul", dy, y), keepAxes: true, node.GetInt("axis", -1));
        context.Contribute(node.Input(0)!, graph.Add("Mul", y, graph.Add("Sub", dy, mean)));
    }
}
