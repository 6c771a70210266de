using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Conversion.Operators;

/// <summary>Scan lost its batch axis and its sequence-lengths input in version 9.</summary>
internal sealed class ScanWithoutBatch() : OperatorConversion("Scan", 9)
{
    internal override string? Refusal(Node node) => "its batched form ended with operator set 8";

    internal override void Convert(Node node, IReadOnlyDictionary<Value, TensorType> types) => throw new InvalidOperationException("Scan of operator set 8 is always refused.");
}
