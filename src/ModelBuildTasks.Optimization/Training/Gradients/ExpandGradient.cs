using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y is X broadcast to a shape. ∂X is ∂Y, summed over the broadcast axes.</summary>
internal sealed class ExpandGradient : IGradientRule
{
    public string OpType => "Expand";

    public bool Covers(ElementType type) => type is ElementType.Float or ElementType.Double;

    public void Differentiate(Node node, GradientContext context) =>
        context.ContributeReduced(node.Input(0)!, context.Gradient(node.Output), context.Shape(node.Output));
}
