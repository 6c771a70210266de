using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// Which operators have integer kernels. For the CPU execution provider these are the groups that ONNX Runtime fuses
/// (qdq_selector_action_transformer.cc) and the operators whose own kernels take 8-bit integers. TensorRT moves Q/DQ through the graph by
/// itself and wants it in front of the layers only (TensorRT developer guide, "Q/DQ placement recommendations").
/// </summary>
internal static class QuantizableOperators
{
    /// <summary>Multiplies by constant weights: Conv, MatMul, Gemm.</summary>
    internal static bool IsLayer(Node node) => node is { OpType: "Conv" or "MatMul" or "Gemm", Domain: "" };

    /// <summary>
    /// Why an operator with weights has no integers of fixed ranges; null for every other. A ConvTranspose whose kernel is as wide as its stride is exactly a
    /// convolution and a DepthToSpace, but these took 1.3 to 6 times as long in float.
    /// </summary>
    internal static string? MissingKernel(Node node) => node.Domain.Length > 0 ? null : node.OpType switch
    {
        "ConvTranspose" => "ONNX Runtime has no integer kernel for ConvTranspose",
        "LSTM" => "an LSTM computes in integers by dynamic quantization only",
        "GRU" or "RNN" => $"ONNX Runtime has no integer kernel for {node.OpType}",
        _ => null,
    };

    /// <summary>
    /// Whether a node multiplies two computed matrices, as attention does with queries and keys, weights and values. ONNX Runtime has integer kernels for these
    /// (MatMulIntegerToFloat), but must pack the second factor at each run: with 12 heads of 64 and 32 to 512 positions, an attention took 0.9 to 1.1 of its time in float,
    /// conversions included, and with the Softmax in integers, too (QLinearSoftmax), 1.5 to 1.9. Without a mask, MultiHeadAttention in float takes 0.9 to 1.0.
    /// </summary>
    internal static bool IsProductOfActivations(Node node) =>
        node is { OpType: "MatMul", Domain: "" } && node.Inputs.All(input => input is { Constant: null }) && node.Inputs[1]!.Producer?.OpType != "DequantizeLinear";

    /// <summary>Why a target has no use for a layer in integers; null when it has.</summary>
    internal static string? Refusal(Layer layer, TargetProfile target) =>
        layer.IsProduct && Math.Min(layer.OutputChannels, layer.Weight.Length / layer.OutputChannels) < target.SmallestIntegerProduct
            ? $"'{target}' gains nothing from products of fewer than {target.SmallestIntegerProduct} inputs or outputs" : null;

    /// <summary>Has a kernel that reads and writes integers of different scales.</summary>
    internal static bool IsArithmetic(Node node, TargetProfile target) =>
        target.FusesQuantizedOperators && node.Domain.Length == 0 && node.OpType switch
        {
            "Add" or "Mul" or "GlobalAveragePool" or "LeakyRelu" or "Sigmoid" => true,
            "AveragePool" => !IsDilatedPooling(node),
            _ => false,
        };

    /// <summary>
    /// Moves or selects elements of input 0, so that it works on the integers themselves, under the scale of its input.
    /// </summary>
    internal static bool IsTransparent(Node node, TargetProfile target) => target.FusesQuantizedOperators && node.Domain.Length == 0 && node.OpType switch
    {
        "MaxPool" => node.Outputs.Count == 1,
        "DepthToSpace" or "Expand" or "Flatten" or "Gather" or "Reshape" or "Slice" or "Squeeze" or "Tile" or "Transpose" or "Unsqueeze" => true,
        // The integer kernel interpolates linearly or picks the nearest; a cubic leaves the range of its input.
        // A crop fills what lies outside with a number of its own, which would be taken for a code.
        "Resize" or "Upsample" => node.GetString("mode") is null or "nearest" && node.GetString("coordinate_transformation_mode") != "tf_crop_and_resize",
        "Pad" => PadsWithZeros(node) && (node.Input(3) is null || (StatedIntegers.Of(node, "pads", 1) is not null && StatedIntegers.Of(node, "axes", 3) is not null)),
        _ => false,
    };

    internal static bool IsConcat(Node node, TargetProfile target) => target.FusesQuantizedOperators && node is { OpType: "Concat", Domain: "" };

    /// <summary>The inputs that hold the numbers, not weights, shapes or indices.</summary>
    internal static IEnumerable<int> DataInputs(Node node) =>
        node.OpType is "Add" or "Mul" or "Concat" ? Enumerable.Range(0, node.Inputs.Count) : [0];

    /// <summary>The Relu, or Clip from zero, that alone reads what a node gives.</summary>
    internal static Node? ClampBehind(Node node) =>
        node.Output is { IsOutput: false, Uses: [{ Node: var reader, Index: 0 }] } && reader.Graph == node.Graph && ClampBound(reader) is not null ? reader : null;

    /// <summary>The upper bound when a node clamps to [0, bound]: Relu, and Clip from zero. Null for every other node.</summary>
    internal static float? ClampBound(Node node)
    {
        if (node is { OpType: "Relu", Domain: "" })
        {
            return float.PositiveInfinity;
        }

        if (node is not { OpType: "Clip", Domain: "" })
        {
            return null;
        }

        float? lower = node.Input(1) is { } min ? Single(min) : node.Has("min") ? node.GetFloat("min", 0) : null;
        float? upper = node.Input(2) is { } max ? Single(max) : node.GetFloat("max", float.PositiveInfinity);
        return lower == 0 && upper > 0 ? upper : null;
    }

    /// <summary>Whether each output channel of a convolution reads one input channel of its own.</summary>
    internal static bool IsDepthwise(Node node, Tensor weight) =>
        node.OpType == "Conv" && node.GetInt("group", 1) is var groups && groups > 1 && groups == weight.Dimensions[0] && weight.Dimensions[1] == 1;

    /// <summary>An AveragePool for which there is no integer kernel: QLinearAveragePool has no dilations (ONNX Runtime 1.31).</summary>
    internal static bool IsDilatedPooling(Node node) =>
        node is { OpType: "AveragePool", Domain: "" } && node.GetInts("dilations") is { } dilations && dilations.Any(dilation => dilation != 1);

    private static float? Single(Value bound) => bound.Constant is { Length: 1, ElementType: ElementType.Float } tensor ? tensor.Span<float>()[0] : null;

    internal static bool PadsWithZeros(Node node) =>
        node.GetString("mode") is null or "constant"
        && node.GetFloat("value", 0) == 0
        && (node.Input(2) is not { } value || Single(value) == 0);
}
