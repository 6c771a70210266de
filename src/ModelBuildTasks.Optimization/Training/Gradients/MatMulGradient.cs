using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>Y = A·B over the last two axes. ∂A = ∂Y·Bᵀ and ∂B = Aᵀ·∂Y, each summed over the axes along which the operand was broadcast.</summary>
internal sealed class MatMulGradient : IGradientRule
{
    public string OpType => "MatMul";

    public void Differentiate(Node node, GradientContext context)
    {
        Value gradient = context.Gradient(node.Output);
        Value a = node.Input(0)!, b = node.Input(1)!;
        long[] shapeA = context.Shape(a), shapeB = context.Shape(b), shapeY = context.Shape(node.Output);
        if (shapeA.Length < 2 || shapeB.Length < 2)
        {
            throw new GradientException(node, "an operand is a vector; only matrices and stacks of them are covered");
        }

        if (context.Needs(a))
        {
            Value product = context.Graph.Add("MatMul", gradient, TransposeLast(b, shapeB.Length, context));
            context.ContributeReduced(a, product, [.. shapeY[..^1], shapeA[^1]]);
        }

        if (context.Needs(b))
        {
            Value product = context.Graph.Add("MatMul", TransposeLast(a, shapeA.Length, context), gradient);
            context.ContributeReduced(b, product, [.. shapeY[..^2], shapeB[^2], shapeB[^1]]);
        }
    }

    private static Value TransposeLast(Value value, int rank, GradientContext context)
    {
        long[] permutation = [.. Enumerable.Range(0, rank).Select(axis => (long)axis)];
        (permutation[^1], permutation[^2]) = (permutation[^2], permutation[^1]);
        return context.Transpose(value, permutation);
    }
}
