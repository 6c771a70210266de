using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y = max(X, 0). ∂X = ∂Y ⊙ sign(Y), as sign(Y) is 1 where X was positive and 0 elsewhere.</summary>
internal sealed class ReluGradient : IGradientRule
{
    public string OpType => "Relu";

    public void Differentiate(Node node, GradientContext context) =>
        context.Contribute(node.Input(0)!, context.Graph.Add("Mul", context.Gradient(node.Output), context.Graph.Add("Sign", node.Output)));
}
