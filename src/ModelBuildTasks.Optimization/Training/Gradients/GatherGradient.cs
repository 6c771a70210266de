using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y takes slices of X along an axis by their indices. ∂X sums at each slice the ∂Y of all places that took it: with X seen as [before, n, behind] one scatter.</summary>
internal sealed class GatherGradient : IGradientRule
{
    public string OpType => "Gather";

    public void Differentiate(Node node, GradientContext context)
    {
        Value x = node.Input(0)!, indices = node.Input(1)!;
        long[] shape = context.Shape(x);
        int axis = context.Axis(node.GetInt("axis", 0), x);
        long before = shape.Take(axis).Product(), taken = context.Shape(indices).Product(), behind = shape.Skip(axis + 1).Product();
        Value places = context.Graph.Add("Expand", context.Reshape(indices, 1, taken, 1), context.Integers(before, taken, behind));
        Value gradient = context.Reshape(context.Gradient(node.Output), before, taken, behind);
        Value sum = SelectionGradient.ScatterSum(node, [before, shape[axis], behind], places, gradient, axis: 1, context);
        context.Contribute(x, context.Reshape(sum, shape));
    }
}
