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

    /// <summary>Whether <see cref="Convert"/> reads the types of values.</summary>
    internal virtual bool ReadsTypes => false;

    /// <summary>Rewrites a node that <see cref="Refusal"/> lets through.</summary>
    /// <param name="types">What is known of values by inference, for conversions that read it. What exporters state of inner values may be stale.</param>
    internal abstract void Convert(Node node, IReadOnlyDictionary<Value, TensorType> types);

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

    /// <summary>A scalar of the element type that <paramref name="node"/> works on; float where nothing tells.</summary>
    protected static Value AddScalar(Node node, string role, float value, IReadOnlyDictionary<Value, TensorType> types)
    {
        Value input = node.Inputs[0]!;
        ElementType type = types.GetValueOrDefault(input)?.ElementType ?? input.Constant?.ElementType
            ?? input.Type?.ElementType ?? node.Output.Type?.ElementType ?? ElementType.Float;
        Tensor scalar = type switch
        {
            ElementType.Float16 => Tensor.Scalar((Half)value),
            ElementType.Double => Tensor.Scalar((double)value),
            _ => Tensor.Scalar(value),
        };
        return node.Graph.AddInitializer($"{node.Output.Name}_{role}", scalar);
    }
}
