using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Conversion.Operators;

/// <summary>BatchNormalization lost its <c>spatial</c> attribute in version 9: statistics are always one a channel.</summary>
internal sealed class NonSpatialBatchNormalization() : OperatorConversion("BatchNormalization", 9)
{
    internal override string? Refusal(Node node) =>
        node.GetInt("spatial", 1) == 1 ? null : "it keeps statistics for every position (spatial = 0)";

    internal override void Convert(Node node, IReadOnlyDictionary<Value, TensorType> types) => node.Unset("spatial");
}
