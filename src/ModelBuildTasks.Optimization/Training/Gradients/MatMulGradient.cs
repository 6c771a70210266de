using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// Y = A·B over the last two axes. ∂A = ∂Y·Bᵀ and ∂B = Aᵀ·∂Y, each summed over the axes along which the operand was broadcast. A vector on the
/// left is a row, one on the right a column.
/// </summary>
internal sealed class MatMulGradient : IGradientRule
{
    public string OpType => "MatMul";

    public bool Covers(ElementType type) => type is ElementType.Float or ElementType.Double;

    public void Differentiate(Node node, GradientContext context)
    {
        Value a = node.Input(0)!, b = node.Input(1)!;
        long[] shapeA = context.Shape(a), shapeB = context.Shape(b), shapeY = context.Shape(node.Output);
        bool isRow = shapeA.Length == 1, isColumn = shapeB.Length == 1;
        if (isRow)
        {
            shapeA = [1, shapeA[0]];
            shapeY = isColumn ? [1] : [.. shapeY[..^1], 1, shapeY[^1]];
        }

        if (isColumn)
        {
            shapeB = [shapeB[0], 1];
            shapeY = [.. shapeY, 1];
        }

        Value left = isRow ? context.Reshape(a, shapeA) : a, right = isColumn ? context.Reshape(b, shapeB) : b;
        Value gradient = context.Gradient(node.Output);
        gradient = isRow || isColumn ? context.Reshape(gradient, shapeY) : gradient;
        if (context.Needs(a))
        {
            Value product = context.Graph.Add("MatMul", gradient, TransposeLast(right, shapeB.Length, context));
            Value reduced = context.SumTo(product, [.. shapeY[..^1], shapeA[^1]], shapeA);
            context.Contribute(a, isRow ? context.Reshape(reduced, shapeA[1]) : reduced);
        }

        if (context.Needs(b))
        {
            Value product = context.Graph.Add("MatMul", TransposeLast(left, shapeA.Length, context), gradient);
            Value reduced = context.SumTo(product, [.. shapeY[..^2], shapeB[^2], shapeB[^1]], shapeB);
            context.Contribute(b, isColumn ? context.Reshape(reduced, shapeB[0]) : reduced);
        }
    }

    private static Value TransposeLast(Value value, int rank, GradientContext context)
    {
        long[] permutation = [.. Enumerable.Range(0, rank).Select(axis => (long)axis)];
        (permutation[^1], permutation[^2]) = (permutation[^2], permutation[^1]);
        return context.Transpose(value, permutation);
    }
}
