using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// The plan that a graph itself tells, whoever quantized it and in whichever form: Q/DQ pairs, QLinear operators, ranges measured at each run, packed
/// weights. Branches and loop bodies are entered. What only the quantizer knew, as reasons and errors, is left open.
/// </summary>
public static class WrittenQuantization
{
    private const string Method = "as written in the graph";
    private const string WeightsAlone = "its weights alone are integers";

    /// <summary>Where QLinearConv and QLinearMatMul have their tensors, each followed by its scale and zero point.</summary>
    private const int QLinearInput = 0, QLinearWeight = 3, QLinearScaleOfResult = 6;

    /// <returns>Null when nothing in the model is quantized.</returns>
    public static QuantizationPlan? Read(Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return NodesOf(model).Any(QuantizationPreconditions.IsQuantized) ? Read(model, _ => null) : null;
    }

    /// <param name="model">The model, quantized or not.</param>
    /// <param name="reasonOf">Why a layer is in float, as a clause, where its quantizer knows what the graph does not tell.</param>
    internal static QuantizationPlan Read(Model model, Func<Node, string?> reasonOf)
    {
        Node[] nodes = [.. NodesOf(model)];
        return new QuantizationPlan(
            null, [], [.. nodes.Select(node => LayerOf(node) is { } layer ? layer with { Reason = layer.Reason ?? reasonOf(node) } : null).OfType<PlannedLayer>()],
            [.. nodes.SelectMany(TensorsOf).DistinctBy(tensor => tensor.Name)]);
    }

    private static IEnumerable<Node> NodesOf(Model model) => model.Graph.WithSubgraphs().SelectMany(graph => graph.TopologicalOrder());

    private static PlannedLayer? LayerOf(Node node) => node switch
    {
        { Domain: "", OpType: "Conv" or "ConvTranspose" or "MatMul" or "Gemm" or "LSTM" or "GRU" or "RNN" } => LayerOfFloats(node),
        { OpType: "QLinearConv" or "QLinearMatMul" or "QGemm" } => Integer(node, QLinearWeight),
        { OpType: "ConvInteger" or "MatMulInteger" or "MatMulIntegerToFloat" or "DynamicQuantizeMatMul" or "DynamicQuantizeLSTM" or "QAttention" } => Integer(node, 1),
        { Domain: TargetProfile.ContributedDomain, OpType: "MatMulNBits" } => Described(node, isInteger: false, (int)node.GetInt("bits", 4), WeightsAlone),
        { Domain: TargetProfile.ContributedDomain, OpType: "GatherBlockQuantized" } => Described(node, isInteger: false, (int)node.GetInt("bits", 4), WeightsAlone),
        _ => null,
    };

    /// <summary>A layer that the runtime computes in integers only where both of its factors are dequantized in front of it.</summary>
    private static PlannedLayer LayerOfFloats(Node node)
    {
        bool readsIntegers = IsDequantized(node.Input(0));
        int? bits = IsDequantized(node.Input(1)) ? node.Input(1)!.Producer!.Input(0)!.Constant?.ElementType.BitsPerElement() : null;
        bool isInteger = readsIntegers && IsDequantized(node.Input(1));
        return Described(node, isInteger, bits, isInteger ? null : bits is not null ? WeightsAlone : readsIntegers ? "its weights are floats" : null);
    }

    private static PlannedLayer Integer(Node node, int weight) => Described(node, isInteger: true, node.Input(weight)?.Constant?.ElementType.BitsPerElement(), reason: null);

    private static PlannedLayer Described(Node node, bool isInteger, int? bits, string? reason) => new(LinearLayer.Describe(node), isInteger, reason) { WeightBits = bits };

    private static bool IsDequantized(Value? value) => value?.Producer is { OpType: "DequantizeLinear" };

    private static IEnumerable<PlannedTensor> TensorsOf(Node node) => node.OpType switch
    {
        "QuantizeLinear" => [.. Tensor(node.Input(0), node.Input(1), node.Input(2))],
        "DequantizeLinear" => [.. Codes(node, 0)],
        "QLinearConv" or "QLinearMatMul" =>
        [
            .. Codes(node, QLinearInput),
            .. Tensor(node.Output, node.Input(QLinearScaleOfResult), node.Input(QLinearScaleOfResult + 1)),
        ],
        _ => [],
    };

    /// <summary>What a node reads as integers, unless it was told of where it became these.</summary>
    private static IEnumerable<PlannedTensor> Codes(Node node, int index) =>
        node.Input(index)?.Producer?.OpType == "QuantizeLinear" ? [] : Tensor(node.Input(index), node.Input(index + 1), node.Input(index + 2));

    /// <summary>Nothing for weights, and for scales that differ by channel or are measured as the model runs.</summary>
    private static IEnumerable<PlannedTensor> Tensor(Value? value, Value? scaleValue, Value? zeroPointValue)
    {
        if (value is { Constant: null } && scaleValue?.Constant is { Length: 1 } scaleTensor && (zeroPointValue is null || zeroPointValue.Constant is { Length: 1 }))
        {
            ElementType type = zeroPointValue?.Constant?.ElementType ?? ElementType.UInt8;
            if (CodesOf(type) is var (lowest, highest))
            {
                float scale = scaleTensor.ToSingles()[0];
                int zeroPoint = zeroPointValue is null ? 0 : (int)zeroPointValue.Constant!.ToSingles()[0];
                yield return new PlannedTensor(value.Name, (lowest - zeroPoint) * scale, (highest - zeroPoint) * scale, scale, zeroPoint, Method, Noise: null);
            }
        }
    }

    private static (int Lowest, int Highest)? CodesOf(ElementType type) => type switch
    {
        ElementType.UInt8 => (byte.MinValue, byte.MaxValue),
        ElementType.Int8 => (sbyte.MinValue, sbyte.MaxValue),
        ElementType.UInt16 => (ushort.MinValue, ushort.MaxValue),
        ElementType.Int16 => (short.MinValue, short.MaxValue),
        _ => null,
    };
}
