using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Conversion.Operators;

/// <summary>Dropout's mask became boolean in version 10, so a model that reads the older one cannot be lifted.</summary>
internal sealed class DropoutMask() : OperatorConversion("Dropout", 10)
{
    internal override string? Refusal(Node node) => IsMaskRead(node) ? "its mask is read, whose type changed" : null;

    internal override void Convert(Node node, IReadOnlyDictionary<Value, TensorType> types)
    {
        // ONNX Runtime refuses a stated type that is not the operator's, even of a value that nobody reads.
        if (node.Outputs.Count > 1 && node.Outputs[1].Type is { } stated)
        {
            node.Outputs[1].Type = stated with { ElementType = ElementType.Bool };
        }
    }

    internal static bool IsMaskRead(Node node) => node.Outputs.Skip(1).Any(mask => mask.Uses.Count > 0 || mask.IsOutput);
}

/// <summary>
/// Dropout takes <c>ratio</c> as input 1 since version 12. Without its training input it stays the identity, and its mask, which
/// ONNX Runtime filled with false before, says that everything is kept.
/// </summary>
internal sealed class DropoutInputs() : OperatorConversion("Dropout", 12)
{
    internal override string? Refusal(Node node) => DropoutMask.IsMaskRead(node) ? "its mask is read, whose meaning changed" : null;

    internal override void Convert(Node node, IReadOnlyDictionary<Value, TensorType> types)
    {
        if (node.Has("ratio"))
        {
            // The ratio's type is its own, whatever the input's.
            node.SetInput(1, node.Graph.AddInitializer($"{node.Output.Name}_ratio", Tensor.Scalar(node.GetFloat("ratio", 0))));
            node.Unset("ratio");
        }
    }
}
