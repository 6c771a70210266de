using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// The operators that ONNX Runtime's CPU provider runs on integers when they stand between DequantizeLinear and QuantizeLinear
/// (qdq_selector_action_transformer.cc, ONNX Runtime 1.25). Around any other operator Q/DQ only costs time.
/// </summary>
internal static class IntegerOperators
{
    /// <summary>Products with a constant weight: Conv → QLinearConv, MatMul → QLinearMatMul or MatMulIntegerToFloat, Gemm → QGemm.</summary>
    internal static bool HasIntegerProduct(Node node) => node.Domain.Length == 0 && node.OpType is "Conv" or "MatMul" or "Gemm";

    /// <summary>Operators with an integer kernel that requantizes: each has its own output scale.</summary>
    internal static bool Requantizes(Node node) =>
        node.Domain.Length == 0 && node.OpType is "Add" or "Mul" or "AveragePool" or "GlobalAveragePool" or "LeakyRelu" or "Sigmoid" or "Concat";

    /// <summary>Operators that only move or select numbers: they run on the integers as they are, and output has the input's scale.</summary>
    internal static bool Moves(Node node) =>
        node.Domain.Length == 0 && node.OpType is "MaxPool" or "Reshape" or "Flatten" or "Transpose" or "Squeeze" or "Unsqueeze" or "Slice" or "Gather" or "Expand" or "Tile"
        && node.Outputs.Count == 1;

    /// <summary>
    /// Relu and Clip vanish into the quantization of their output when its range ends where they cut: q saturates there
    /// (ReluQuantFusion and ClipQuantFusion).
    /// </summary>
    internal static bool IsAbsorbed(Node node) => node.Domain.Length == 0 && node.OpType switch
    {
        "Relu" => true,
        "Clip" => node.Input(1) is null or { Constant: not null } && node.Input(2) is null or { Constant: not null },
        _ => false,
    };

    /// <summary>The inputs that hold activations; the others are weights, shapes or indices.</summary>
    internal static IEnumerable<int> ActivationInputs(Node node) => node.OpType switch
    {
        "Add" or "Mul" => [0, 1],
        "Concat" => Enumerable.Range(0, node.Inputs.Count),
        _ => [0],
    };
}
