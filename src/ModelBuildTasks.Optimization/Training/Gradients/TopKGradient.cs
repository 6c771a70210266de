using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y are the K largest or smallest elements along an axis. ∂X is ∂Y at their places, which the second output tells, and 0 elsewhere.</summary>
internal sealed class TopKGradient : IGradientRule
{
    public string OpType => "TopK";

    public void Differentiate(Node node, GradientContext context)
    {
        Value x = node.Input(0)!;
        Node scatter = context.Graph.AddNode("ScatterElements", [context.Zeros(context.Shape(x)), node.Outputs[1], context.Gradient(node.Output)]);
        context.Contribute(x, scatter.Set("axis", node.GetInt("axis", -1)).Output);
    }
}
