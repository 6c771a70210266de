using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>Recognises models that integers were already brought into, or that are not float32.</summary>
internal static class QuantizationPreconditions
{
    /// <summary>Why a model is not to be quantized; null when nothing stands against it.</summary>
    internal static string? Refusal(Model model)
    {
        Node[] nodes = [.. model.Graph.WithSubgraphs().SelectMany(graph => graph.Nodes)];
        if (nodes.FirstOrDefault(IsQuantized) is { } quantized)
        {
            return $"The model is quantized already: it holds {quantized.OpType}{(quantized.Name.Length > 0 ? $" '{quantized.Name}'" : "")}.";
        }

        if (model.Graph.Initializers.Concat(model.Graph.Inputs).FirstOrDefault(IsHalf) is { } half)
        {
            return $"The model computes in float16 ('{half.Name}'); integers are made from float32 models.";
        }

        return nodes.Any(QuantizableOperators.IsLayer) ? null : "The model has no Conv, MatMul or Gemm.";
    }

    private static bool IsQuantized(Node node) =>
        node.OpType is "QuantizeLinear" or "DequantizeLinear" or "DynamicQuantizeLinear" or "MatMulNBits" or "QGemm" or "QAttention"
        || node.OpType.StartsWith("QLinear", StringComparison.Ordinal)
        || node.OpType is "MatMulInteger" or "ConvInteger" or "MatMulIntegerToFloat" or "DynamicQuantizeMatMul" or "DynamicQuantizeLSTM";

    private static bool IsHalf(Value value) =>
        (value.Initializer?.ElementType ?? value.Type?.ElementType) is ElementType.Float16 or ElementType.BFloat16;
}
