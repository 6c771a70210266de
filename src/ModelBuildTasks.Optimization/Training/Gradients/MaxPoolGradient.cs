using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y is the largest element of each window. ∂X sums at each element the ∂Y of the windows that took it; the operator's second output tells which.</summary>
internal sealed class MaxPoolGradient : IGradientRule
{
    public string OpType => "MaxPool";

    public void Differentiate(Node node, GradientContext context)
    {
        Value x = node.Input(0)!;
        Node pool = context.Graph.AddNode("MaxPool", [x], outputCount: 2);
        pool.CopyAttributesFrom(node);
        pool.Set("storage_order", 0);
        long[] shape = context.Shape(x);
        long[] flat = [shape.Product()];
        Value dy = context.Reshape(context.Gradient(node.Output), -1), taken = context.Reshape(pool.Outputs[1], -1);
        context.Contribute(x, context.Reshape(SelectionGradient.ScatterSum(node, flat, taken, dy, axis: 0, context), shape));
    }
}
