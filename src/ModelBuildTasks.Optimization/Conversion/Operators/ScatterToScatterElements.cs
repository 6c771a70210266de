using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Conversion.Operators;

/// <summary>Scatter is called ScatterElements since version 11.</summary>
internal sealed class ScatterToScatterElements() : OperatorConversion("Scatter", 11)
{
    internal override void Convert(Node node, IReadOnlyDictionary<Value, TensorType> types) => node.OpType = "ScatterElements";
}
