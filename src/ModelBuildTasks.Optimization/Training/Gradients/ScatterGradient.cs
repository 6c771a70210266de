using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// Y is X with updates stored (or added) at places. ∂X is ∂Y, with 0 where an update took the place; the gradient of the updates is ∂Y at the places.
/// Places must differ when updates are stored, as the specification demands.
/// </summary>
/// <param name="opType">ScatterND or ScatterElements.</param>
/// <param name="gather">The operator that reads the same places.</param>
internal sealed class ScatterGradient(string opType, string gather) : IGradientRule
{
    public string OpType => opType;

    public void Differentiate(Node node, GradientContext context)
    {
        string reduction = node.GetString("reduction") ?? "none";
        if (reduction is not ("none" or "add"))
        {
            throw new GradientException(node, $"reduction '{reduction}' is not covered");
        }

        Value x = node.Input(0)!, places = node.Input(1)!, updates = node.Input(2)!, dy = context.Gradient(node.Output);
        if (context.Needs(x))
        {
            context.Contribute(x, reduction == "add" ? dy : WithAxis(context.Graph.AddNode(opType, [dy, places, context.Zeros(context.Shape(updates))]), node));
        }

        if (context.Needs(updates))
        {
            context.Contribute(updates, WithAxis(context.Graph.AddNode(gather, [dy, places]), node));
        }
    }

    private static Value WithAxis(Node made, Node node) => (node.Has("axis") ? made.Set("axis", node.GetInt("axis", 0)) : made).Output;
}
