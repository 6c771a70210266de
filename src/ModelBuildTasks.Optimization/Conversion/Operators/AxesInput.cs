using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Conversion.Operators;

/// <summary>Squeeze, Unsqueeze and ReduceSum take <c>axes</c> as input 1 since version 13.</summary>
internal sealed class AxesInput(string opType) : OperatorConversion(opType, 13)
{
    internal override void Convert(Node node, IReadOnlyDictionary<Value, TensorType> types) => MoveInts(node, "axes", 1);
}
