using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y = max(X, 0). ∂X is ∂Y where Y is positive and 0 elsewhere.</summary>
internal sealed class ReluGradient : IGradientRule
{
    public string OpType => "Relu";

    public void Differentiate(Node node, GradientContext context) =>
        context.Contribute(node.Input(0)!, context.Graph.Add("Mul", context.Gradient(node.Output), context.IsAbove(node.Output, 0)));
}
