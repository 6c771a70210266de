using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Operators that keep every element in order: ∂X is ∂Y in the shape of X.</summary>
internal sealed class ReshapeGradient(string opType) : IGradientRule
{
    public string OpType => opType;

    public bool Covers(ElementType type) => true;

    public void Differentiate(Node node, GradientContext context)
    {
        Value input = node.Input(0)!;
        context.Contribute(input, context.Reshape(context.Gradient(node.Output), context.Shape(input)));
    }
}
