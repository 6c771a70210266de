using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Conversion.Operators;

/// <summary>Dropout's mask became boolean in version 10, so a model that reads the older one cannot be lifted.</summary>
internal sealed class DropoutMask() : OperatorConversion("Dropout", 10)
{
    internal override string? Refusal(Node node) =>
        node.Outputs.Skip(1).Any(mask => mask.Uses.Count > 0 || mask.IsOutput) ? "its mask is read, whose type changed" : null;

    internal override void Convert(Node node)
    {
    }
}

/// <summary>Dropout takes <c>ratio</c> as input 1 since version 12. Without its training input it stays the identity.</summary>
internal sealed class DropoutInputs() : OperatorConversion("Dropout", 12)
{
    internal override void Convert(Node node)
    {
        if (node.Has("ratio"))
        {
            node.SetInput(1, AddScalar(node, "ratio", node.GetFloat("ratio", 0)));
            node.Unset("ratio");
        }
    }
}
