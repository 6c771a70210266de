using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y = f(X) element by element. ∂X = ∂Y ⊙ f′(X).</summary>
/// <param name="opType">The operator f.</param>
/// <param name="derivative">Adds f′ at the node's input, in the input's shape, or as a number where it is constant.</param>
internal sealed class UnaryGradient(string opType, Func<Node, GradientContext, Value> derivative) : IGradientRule
{
    public string OpType => opType;

    public void Differentiate(Node node, GradientContext context) =>
        context.Contribute(node.Input(0)!, context.Graph.Add("Mul", context.Gradient(node.Output), derivative(node, context)));
}
