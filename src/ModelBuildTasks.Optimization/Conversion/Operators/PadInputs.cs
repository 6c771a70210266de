using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Conversion.Operators;

/// <summary>Pad takes <c>pads</c> and <c>value</c> as inputs since version 11.</summary>
internal sealed class PadInputs() : OperatorConversion("Pad", 11)
{
    internal override string? Refusal(Node node) => node.Has("pads") ? null : "it states no pads";

    internal override bool ReadsTypes => true;

    internal override void Convert(Node node, IReadOnlyDictionary<Value, TensorType> types)
    {
        MoveInts(node, "pads", 1);
        if (node.Has("value"))
        {
            node.SetInput(2, AddScalar(node, "value", node.GetFloat("value", 0), types));
            node.Unset("value");
        }
    }
}
