using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Conversion.Operators;

/// <summary>
/// Upsample became Resize in version 10. Its scales are an attribute up to version 8 and input 1 in version 9, as Resize has
/// them in version 10; <see cref="ResizeCoordinates"/> does the rest.
/// </summary>
internal sealed class UpsampleToResize() : OperatorConversion("Upsample", 10)
{
    internal override string? Refusal(Node node) =>
        node.Input(1) is not null || node.Has("scales") ? null : "it states no scales";

    internal override void Convert(Node node, IReadOnlyDictionary<Value, TensorType> types)
    {
        node.OpType = "Resize";
        if (node.GetFloats("scales") is { } scales)
        {
            node.SetInput(1, node.Graph.AddInitializer($"{node.Output.Name}_scales", Tensor.Vector(scales)));
            node.Unset("scales");
        }
    }
}
