using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Conversion.Operators;

/// <summary>Split takes <c>split</c> as input 1 since version 13.</summary>
internal sealed class SplitInput() : OperatorConversion("Split", 13)
{
    internal override void Convert(Node node, IReadOnlyDictionary<Value, TensorType> types) => MoveInts(node, "split", 1);
}
