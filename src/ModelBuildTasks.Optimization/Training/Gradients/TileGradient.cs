using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y repeats X along its axes. ∂X is the sum over the repetitions of ∂Y, seen as [r₀, n₀, r₁, n₁, …].</summary>
internal sealed class TileGradient : IGradientRule
{
    public string OpType => "Tile";

    public void Differentiate(Node node, GradientContext context)
    {
        Value x = node.Input(0)!;
        long[] shape = context.Shape(x), tiled = context.Shape(node.Output);
        if (tiled.Contains(0))
        {
            throw new GradientException(node, "its result has no elements");
        }

        long[] apart = [.. shape.SelectMany((size, axis) => new[] { tiled[axis] / size, size })];
        long[] repetitions = [.. Enumerable.Range(0, shape.Length).Select(axis => 2L * axis)];
        Value gradient = context.Reshape(context.Gradient(node.Output), apart);
        context.Contribute(x, shape.Length == 0 ? gradient : context.ReduceSum(gradient, keepAxes: false, repetitions));
    }
}
