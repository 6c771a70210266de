using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Blocks of b · b positions become channels, without any change of values. ∂X is ∂Y with the channels put back.</summary>
internal sealed class SpaceToDepthGradient : IGradientRule
{
    public string OpType => "SpaceToDepth";

    public void Differentiate(Node node, GradientContext context)
    {
        Node back = context.Graph.AddNode("DepthToSpace", [context.Gradient(node.Output)]);
        context.Contribute(node.Input(0)!, back.Set("blocksize", node.GetInt("blocksize", 1)).Set("mode", "DCR").Output);
    }
}
