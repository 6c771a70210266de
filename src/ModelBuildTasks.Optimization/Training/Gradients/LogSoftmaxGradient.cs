using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y = X − ln Σexp(X) along an axis. ∂X = ∂Y − exp(Y) ⊙ Σ∂Y.</summary>
internal sealed class LogSoftmaxGradient : IGradientRule
{
    public string OpType => "LogSoftmax";

    public void Differentiate(Node node, GradientContext context)
    {
        Graph graph = context.Graph;
        Value dy = context.Gradient(node.Output);
        Value sum = context.ReduceSum(dy, keepAxes: true, node.GetInt("axis", -1));
        context.Contribute(node.Input(0)!, graph.Add("Sub", dy, graph.Add("Mul", graph.Add("Exp", node.Output), sum)));
    }
}
