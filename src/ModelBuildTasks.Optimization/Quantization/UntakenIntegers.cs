using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>Integers of a model that came quantized which a target of symmetric integers (<see cref="Targets.TargetProfile.SymmetricActivations"/>) does not take.</summary>
/// <remarks>
/// TensorRT's parser refuses zero points other than 0, reads unsigned codes as if they were signed, dequantizes 8 and 4 bits but no int32, and has no operator that computes in integers itself
/// (onnx-tensorrt, QuantDequantLinearHelper of onnxOpImporters.cpp, and operators.md).
/// </remarks>
public static class UntakenIntegers
{
    private static readonly ElementType[] Taken = [ElementType.Int8, ElementType.Int4, ElementType.Float8E4M3FN, ElementType.Float4E2M1];

    /// <returns>What the target takes and what the model has, as a clause; null when it takes all of them.</returns>
    public static string? In(Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        string[] untaken = [.. model.Graph.WithSubgraphs().SelectMany(graph => graph.TopologicalOrder()).Select(Untaken).OfType<string>()];
        return untaken.Length == 0 ? null
            : $"it takes QuantizeLinear and DequantizeLinear of int8 with zero point 0 only, and {untaken.Length} of the model's nodes {(untaken.Length == 1 ? "is another" : "are others, the first of them")}: {untaken[0]}";
    }

    private static string? Untaken(Node node)
    {
        if (!QuantizationPreconditions.IsQuantized(node))
        {
            return null;
        }

        if (node.OpType is not ("QuantizeLinear" or "DequantizeLinear"))
        {
            return LinearLayer.Describe(node);
        }

        if (CodesOf(node) is { } type && !Taken.Contains(type))
        {
            return $"{LinearLayer.Describe(node)} of {type.ToString().ToLowerInvariant()}";
        }

        return node.Input(2)?.Constant is { } zeroPoint && zeroPoint.Data.Span.ContainsAnyExcept((byte)0)
            ? $"{LinearLayer.Describe(node)} with {(zeroPoint.ElementType == ElementType.Int8 ? $"zero point {zeroPoint.ToSingles().First(zero => zero != 0):0}" : "another zero point")}"
            : null;
    }

    /// <summary>Without a zero point QuantizeLinear gives uint8, unless it is told otherwise (since operator set 21). Null where nothing states the type.</summary>
    private static ElementType? CodesOf(Node node) =>
        (node.Input(2) ?? (node.OpType == "DequantizeLinear" ? node.Input(0) : null)) is { } codes
            ? codes.Constant?.ElementType ?? codes.Type?.ElementType
            : node.GetInt("output_dtype", 0) is > 0 and var stated ? (ElementType)stated
            : node.OpType == "QuantizeLinear" ? ElementType.UInt8 : null;
}
