using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Conversion.Operators;

/// <summary>
/// MeanVarianceNormalization states <c>axes</c> since version 9; before, <c>across_channels</c> said whether the channels of
/// [n, c, h, w] are among them. It always divides by the deviation now.
/// </summary>
internal sealed class NormalizationAxes() : OperatorConversion("MeanVarianceNormalization", 9)
{
    internal override string? Refusal(Node node) =>
        node.GetInt("normalize_variance", 1) == 1 ? null : "it only subtracts the mean (normalize_variance = 0)";

    internal override void Convert(Node node, IReadOnlyDictionary<Value, TensorType> types)
    {
        long[] axes = node.GetInt("across_channels", 0) == 0 ? [0, 2, 3] : [0, 1, 2, 3];
        node.Set("axes", axes);
        node.Unset("across_channels");
        node.Unset("normalize_variance");
    }
}
