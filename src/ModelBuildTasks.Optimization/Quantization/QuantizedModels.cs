using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>Recognizes models that somebody has already brought to lower precision: rounding twice only loses accuracy.</summary>
internal static class QuantizedModels
{
    /// <summary>A clause that says why the model is to be left as it is; null for a model that computes in full precision.</summary>
    internal static string? AlreadyQuantized(Model model)
    {
        Graph[] graphs = [.. model.Graph.WithSubgraphs()];
        if (graphs.SelectMany(graph => graph.Nodes).FirstOrDefault(IsQuantized) is { } node)
        {
            return $"it is already quantized ({(node.Name.Length == 0 ? node.OpType : $"{node.OpType} '{node.Name}'")})";
        }

        return graphs.SelectMany(graph => graph.Values).Any(value => IsHalf(value.Constant?.ElementType ?? value.Initializer?.ElementType))
            ? "its weights are float16"
            : model.Graph.Inputs.FirstOrDefault(input => IsHalf(input.Type?.ElementType)) is { } half
            ? $"its input '{half.Name}' is float16"
            : null;
    }

    /// <summary>Operators on quantized numbers, of the standard set (QLinearConv, MatMulInteger) and of ONNX Runtime's (QGemm, MatMulNBits).</summary>
    private static bool IsQuantized(Node node) =>
        node.OpType is "QuantizeLinear" or "DequantizeLinear" or "QGemm" or "QAttention" or "MatMulNBits" or "MatMulBnb4" or "MatMulIntegerToFloat" or "GatherBlockQuantized"
        || node.OpType.StartsWith("QLinear", StringComparison.Ordinal)
        || node.OpType.StartsWith("DynamicQuantize", StringComparison.Ordinal)
        || node.OpType.EndsWith("Integer", StringComparison.Ordinal);

    private static bool IsHalf(ElementType? type) => type is ElementType.Float16 or ElementType.BFloat16;
}
