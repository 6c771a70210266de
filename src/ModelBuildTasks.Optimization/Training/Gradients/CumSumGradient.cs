using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y[i] = Σ X[j] over j up to i. ∂X[j] = Σ ∂Y[i] over i from j on: the cumulative sum in the other direction.</summary>
internal sealed class CumSumGradient : IGradientRule
{
    public string OpType => "CumSum";

    public void Differentiate(Node node, GradientContext context)
    {
        Node back = context.Graph.AddNode("CumSum", [context.Gradient(node.Output), node.Input(1)]);
        back.Set("exclusive", node.GetInt("exclusive", 0)).Set("reverse", 1 - node.GetInt("reverse", 0));
        context.Contribute(node.Input(0)!, back.Output);
    }
}
