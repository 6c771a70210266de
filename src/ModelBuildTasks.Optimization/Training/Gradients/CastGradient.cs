using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Between types of real numbers ∂X is ∂Y in the type of X. To whole numbers and truth values none passes.</summary>
internal sealed class CastGradient : IGradientRule
{
    /// <summary>The operator set of CastLike.</summary>
    private const long LowestOpset = 15;

    public string OpType => "Cast";

    public bool Passes(Node node) => ((ElementType)node.GetInt("to", 0)).IsFloatingPoint();

    public bool Covers(ElementType type) => true;

    public void Differentiate(Node node, GradientContext context)
    {
        if (context.Graph.Model.Opset < LowestOpset)
        {
            throw new GradientException(node, $"it needs operator set {LowestOpset} or later; the model has {context.Graph.Model.Opset}");
        }

        context.Contribute(node.Input(0)!, context.Graph.Add("CastLike", context.Gradient(node.Output), node.Input(0)));
    }
}
