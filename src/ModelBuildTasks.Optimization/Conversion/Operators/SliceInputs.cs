using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Conversion.Operators;

/// <summary>Slice takes <c>starts</c>, <c>ends</c> and <c>axes</c> as inputs since version 10; without axes it still means the first ones.</summary>
internal sealed class SliceInputs() : OperatorConversion("Slice", 10)
{
    internal override string? Refusal(Node node) =>
        node.Has("starts") && node.Has("ends") ? null : "it states no starts or no ends";

    internal override void Convert(Node node, IReadOnlyDictionary<Value, TensorType> types)
    {
        MoveInts(node, "starts", 1);
        MoveInts(node, "ends", 2);
        MoveInts(node, "axes", 3);
    }
}
