using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y[n, c] = mean over the P positions of X[n, c, …]. ∂X is ∂Y / P at every position.</summary>
internal sealed class GlobalAveragePoolGradient : IGradientRule
{
    public string OpType => "GlobalAveragePool";

    public void Differentiate(Node node, GradientContext context)
    {
        Value input = node.Input(0)!;
        long[] shape = context.Shape(input);
        long positions = shape.Skip(2).Product();
        Value share = context.Graph.Add("Mul", context.Gradient(node.Output), context.Number(1f / positions));
        context.Contribute(input, context.Graph.Add("Expand", share, context.Integers(shape)));
    }
}
