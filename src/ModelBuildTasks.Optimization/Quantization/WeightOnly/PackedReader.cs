using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>An operator that can read a constant weight in packed form.</summary>
/// <param name="Node">The operator.</param>
/// <param name="Weight">The weight, read as [inputs, outputs]: blocks run along the inputs.</param>
/// <param name="Read">Where the stored weight is read: by the operator, or by a Transpose before it.</param>
internal abstract record PackedReader(Node Node, WeightMatrix Weight, Use Read)
{
    internal Value Stored => Read.Node.Inputs[Read.Index]!;

    /// <summary>What the packed form depends on: operators with the same share it.</summary>
    internal (Value, bool, float) Key => (Stored, Weight.IsTransposed, Weight.Factor);

    /// <summary>Puts an operator that reads packed weights in the node's place.</summary>
    internal abstract void Rewrite(PackedValues packed);

    protected string Name => Node.Name.Length > 0 ? Node.Name : Node.Output.Name;

    protected void ReplaceBy(Node packed)
    {
        Node.Output.ReplaceWith(packed.Output);
        Node.Graph.Remove(Node);
    }
}

/// <summary>A packed weight in the graph, where several operators may read it.</summary>
internal sealed record PackedValues(BlockedWeight Weight, Value Codes, Value Scales, Value? ZeroPoints)
{
    /// <summary>Stores a packed weight beside the float one.</summary>
    internal static PackedValues Add(Value stored, BlockedWeight weight) => new(
        weight,
        stored.Graph.AddInitializer(stored.Name + "_packed", weight.Codes),
        stored.Graph.AddInitializer(stored.Name + "_scales", weight.Scales),
        weight.ZeroPoints is { } zeroPoints ? stored.Graph.AddInitializer(stored.Name + "_zero_points", zeroPoints) : null);
}
