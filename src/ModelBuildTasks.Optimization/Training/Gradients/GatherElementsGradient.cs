using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y takes elements of X by their indices along an axis. ∂X sums at each element the ∂Y of all places that took it.</summary>
internal sealed class GatherElementsGradient : IGradientRule
{
    public string OpType => "GatherElements";

    public void Differentiate(Node node, GradientContext context)
    {
        Value x = node.Input(0)!;
        context.Contribute(x, SelectionGradient.ScatterSum(node, context.Shape(x), node.Input(1)!, context.Gradient(node.Output), node.GetInt("axis", 0), context));
    }
}
