using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// Y is X with elements added at (or, by negative pads, taken from) its edges. With a constant around it ∂X is ∂Y padded by the negated
/// pads: what was added goes, what was taken comes back as 0. The other modes repeat elements of X; see <see cref="SelectionGradient"/>.
/// </summary>
internal sealed class PadGradient : IGradientRule
{
    public string OpType => "Pad";

    public void Differentiate(Node node, GradientContext context)
    {
        if (node.GetString("mode") is not (null or "constant"))
        {
            // Whatever constant stands there is not used, and is of another type than the numbers of elements.
            SelectionGradient.Differentiate(node, node.Input(3) is { } named ? [node.Input(1), null, named] : [node.Input(1)], context);
            return;
        }

        context.RefuseInput(node, node.Input(2), "the value around it is not trained");
        if (!context.Needs(node.Input(0)))
        {
            return;
        }

        Value negated = context.Graph.Add("Neg", node.Input(1));
        Value[] inputs = [context.Gradient(node.Output), negated];
        Value dx = node.Input(3) is { } axes ? context.Graph.Add("Pad", [.. inputs, null, axes]) : context.Graph.Add("Pad", inputs);
        context.Contribute(node.Input(0)!, dx);
    }
}
