using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y has the axes of X in another order. ∂X is ∂Y with its axes back in place.</summary>
internal sealed class TransposeGradient : IGradientRule
{
    public string OpType => "Transpose";

    public bool Covers(ElementType type) => true;

    public void Differentiate(Node node, GradientContext context)
    {
        Value input = node.Input(0)!;
        int rank = context.Shape(input).Length;
        long[] permutation = node.GetInts("perm") ?? [.. Enumerable.Range(0, rank).Select(axis => (long)(rank - 1 - axis))];
        long[] inverse = new long[rank];
        for (int axis = 0; axis < rank; axis++)
        {
            inverse[permutation[axis]] = axis;
        }

        context.Contribute(input, context.Transpose(context.Gradient(node.Output), inverse));
    }
}
