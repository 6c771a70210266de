using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>The outputs are the parts of X along an axis. ∂X is their gradients behind one another, with zeros for a part that the loss does not depend on.</summary>
internal sealed class SplitGradient : IGradientRule
{
    public string OpType => "Split";

    public void Differentiate(Node node, GradientContext context)
    {
        Value input = node.Input(0)!;
        Value[] unused = [.. node.Outputs.Where(output => !context.HasShape(output))];
        if (unused.Length > 0)
        {
            throw new GradientException(node, $"nothing reads its output '{unused[0].Name}', so that the size of that part is unknown");
        }

        Value[] parts = [.. node.Outputs.Select(output => context.HasGradient(output) ? context.Gradient(output) : context.Zeros(context.Shape(output)))];
        context.Contribute(input, context.Graph.AddNode("Concat", parts).Set("axis", context.Axis(node.GetInt("axis", 0), input)).Output);
    }
}
