using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Conversion.Operators;

/// <summary>TopK takes <c>k</c> as input 1 since version 10.</summary>
internal sealed class TopKInput() : OperatorConversion("TopK", 10)
{
    internal override string? Refusal(Node node) => node.Has("k") ? null : "it states no k";

    internal override void Convert(Node node, IReadOnlyDictionary<Value, TensorType> types)
    {
        node.SetInput(1, AddVector(node, "k", node.GetInt("k", 0)));
        node.Unset("k");
    }
}
