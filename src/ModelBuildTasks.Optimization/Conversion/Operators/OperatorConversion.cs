using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Conversion.Operators;

/// <summary>How one operator changed its meaning or its form in one operator set version.</summary>
/// <param name="opType">The operator before the change.</param>
/// <param name="since">The first operator set with the new form.</param>
internal abstract class OperatorConversion(string opType, long since)
{
    internal string OpType { get; } = opType;

    internal long Since { get; } = since;

    /// <summary>Why this node has no equal in the new form; null when it has.</summary>
    internal virtual string? Refusal(Node node) => null;

    /// <summary>Rewrites a node that <see cref="Refusal"/> lets through.</summary>
    internal abstract void Convert(Node node);

    /// <summary>Makes an attribute an input of type int64[n].</summary>
    protected static void MoveInts(Node node, string attribute, int input)
    {
        if (node.GetInts(attribute) is { } values)
        {
            node.SetInput(input, AddVector(node, attribute, values));
            node.Unset(attribute);
        }
    }

    protected static Value AddVector(Node node, string role, params long[] values) =>
        node.Graph.AddInitializer($"{node.Output.Name}_{role}", Tensor.Vector(values));

    /// <summary>A scalar of the element type that <paramref name="node"/> works on; float where the model does not state it.</summary>
    protected static Value AddScalar(Node node, string role, float value)
    {
        ElementType type = node.Input(0)?.Type?.ElementType ?? node.Output.Type?.ElementType ?? ElementType.Float;
        Tensor scalar = type switch
        {
            ElementType.Float16 => Tensor.Scalar((Half)value),
            ElementType.Double => Tensor.Scalar((double)value),
            _ => Tensor.Scalar(value),
        };
        return node.Graph.AddInitializer($"{node.Output.Name}_{role}", scalar);
    }
}
