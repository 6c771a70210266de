using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y is X with elements put to zero, or changed over in pairs. The same operator takes ∂Y to ∂X.</summary>
internal sealed class SelfAdjointGradient(string opType) : IGradientRule
{
    public string OpType => opType;

    public void Differentiate(Node node, GradientContext context)
    {
        Node back = context.Graph.AddNode(opType, [context.Gradient(node.Output), .. node.Inputs.Skip(1)]);
        back.CopyAttributesFrom(node);
        context.Contribute(node.Input(0)!, back.Output);
    }
}
