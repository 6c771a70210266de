using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>The outputs are the parts of X along an axis. ∂X is their gradients behind one another, with zeros for a part that the loss does not depend on.</summary>
internal sealed class SplitGradient : IGradientRule
{
    public string OpType => "Split";

    public bool CoversEveryOutput => true;

    public void Differentiate(Node node, GradientContext context)
    {
        Value input = node.Input(0)!;
        int axis = context.Axis(node.GetInt("axis", 0), input);
        long[] shape = context.Shape(input), sizes = Sizes(node, shape[axis]);
        Value[] parts = [.. node.Outputs.Select((output, i) => context.HasGradient(output)
            ? context.Gradient(output)
            : context.Zeros([.. shape[..axis], sizes[i], .. shape[(axis + 1)..]]))];
        context.Contribute(input, context.Graph.AddNode("Concat", parts).Set("axis", axis).Output);
    }

    /// <summary>The size of each part. Without sizes the parts are equal, but for a smaller last one.</summary>
    private static long[] Sizes(Node node, long whole)
    {
        if (node.Input(1) is { } given)
        {
            return given.Constant?.Span<long>().ToArray() ?? throw new GradientException(node, "its sizes are computed, which is not covered");
        }

        long part = (whole + node.Outputs.Count - 1) / node.Outputs.Count;
        return [.. node.Outputs.Select((_, i) => Math.Min(part, whole - (i * part)))];
    }
}
