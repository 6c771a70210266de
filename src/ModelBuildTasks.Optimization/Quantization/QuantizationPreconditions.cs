using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>Recognises models in which quantization finds nothing to do: integers were brought into them before, they are not float32, or they hold no layer.</summary>
internal static class QuantizationPreconditions
{
    /// <summary>Why a model is not to be quantized; null when nothing stands against it. A model that is quantized in part has its other layers completed.</summary>
    internal static string? Refusal(Model model)
    {
        Node[] nodes = [.. model.Graph.WithSubgraphs().SelectMany(graph => graph.Nodes)];
        if (nodes.FirstOrDefault(node => IsLayer(node) && node.Input(1) is { } weight && (weight.Initializer ?? weight.Constant)?.ElementType is ElementType.Float16 or ElementType.BFloat16) is { } half)
        {
            return $"The model computes in float16 ('{half.Input(1)!.Name}'); integers are made from float32 models, to which the float32 conversion lifts it.";
        }

        if (nodes.FirstOrDefault(IsQuantized) is { } quantized && !nodes.Any(HasFloatWeights))
        {
            return $"The model is quantized already: it holds {quantized.OpType}{(quantized.Name.Length > 0 ? $" '{quantized.Name}'" : "")}, and no layer with float weights is left.";
        }

        return nodes.Any(IsLayer) ? null : "The model has no Conv, MatMul, Gemm or LSTM.";
    }

    /// <summary>Whether a node computes with integers that stand for fractions, or converts to or from them.</summary>
    internal static bool IsQuantized(Node node) =>
        node.OpType is "QuantizeLinear" or "DequantizeLinear" or "DynamicQuantizeLinear" or "MatMulNBits" or "GatherBlockQuantized" or "QGemm" or "QAttention"
            or "MatMulInteger" or "ConvInteger" or "MatMulIntegerToFloat" or "DynamicQuantizeMatMul" or "DynamicQuantizeLSTM"
        || node.OpType.StartsWith("QLinear", StringComparison.Ordinal);

    private static bool IsLayer(Node node) => QuantizableOperators.IsLayer(node) || node is { OpType: "LSTM", Domain: "" };

    private static bool HasFloatWeights(Node node) => IsLayer(node) && node.Input(1)?.Constant is { ElementType: ElementType.Float };
}
