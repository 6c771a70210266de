using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training.Gradients;

/// <summary>
/// Q rounds X to steps of a scale, within a range. The straight-through estimator (Bengio, Léonard, Courville 2013) takes the rounding for no
/// change: ∂X is ∂Y where X is in the range, and 0 where it was cut. What the pair moved by more than half a step was cut.
/// </summary>
internal sealed class QuantizeLinearGradient : IGradientRule
{
    /// <summary>Half a step, with room for the rounding of the division.</summary>
    private const float LargestRounding = 0.501f;

    public string OpType => "QuantizeLinear";

    public void Differentiate(Node node, GradientContext context)
    {
        Graph graph = context.Graph;
        Value x = node.Input(0)!, scale = node.Input(1)!;
        if (!IsUniform(node))
        {
            throw new GradientException(node, "only whole numbers are covered, of a type that a constant zero point states");
        }

        if (node.GetInt("block_size", 0) != 0 || node.Output.Uses.Any(use => use.Node.OpType != "DequantizeLinear"))
        {
            throw new GradientException(node, "only pairs with DequantizeLinear are covered, without blocks");
        }

        context.RefuseInput(node, scale, "its scale is not trained");
        if (context.Needs(x))
        {
            Node restored = graph.AddNode("DequantizeLinear", [node.Output, scale, node.Input(2)]);
            restored.CopyAttributesFrom(node);
            Value distance = graph.Add("Abs", graph.Add("Sub", x, restored.Output));
            Value isKept = graph.Add("LessOrEqual", distance, context.Times(AlongItsAxis(node, x, scale, context), LargestRounding));
            context.Contribute(x, graph.Add("Where", isKept, context.Gradient(node.Output), context.Number(0)));
        }
    }

    /// <summary>Whether all steps have the same size, as those of whole numbers have.</summary>
    private static bool IsUniform(Node node) => node.Input(2) is { } zeroPoint
        ? zeroPoint.Constant?.ElementType is ElementType.Int8 or ElementType.UInt8 or ElementType.Int16 or ElementType.UInt16 or ElementType.Int4 or ElementType.UInt4
        : node.GetInt("output_dtype", (long)ElementType.UInt8) == (long)ElementType.UInt8;

    private static Value AlongItsAxis(Node node, Value x, Value scale, GradientContext context)
    {
        long[] shape = context.Shape(x), steps = context.Shape(scale);
        long count = steps.Length == 0 ? 1 : steps[0];
        if (count == 1)
        {
            return context.Reshape(scale);
        }

        int axis = context.Axis(node.GetInt("axis", 1), x);
        return context.Reshape(scale, [.. shape.Select((_, other) => other == axis ? count : 1L)]);
    }
}
