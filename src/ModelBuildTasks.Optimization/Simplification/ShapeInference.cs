using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Asks ONNX Runtime for the type of every value, by <see cref="TypeProbe"/>; nothing is run. One node that the runtime refuses
/// (an unknown domain, a type without a kernel) makes it refuse a whole model, so such nodes are searched for by halves and left
/// out: what reads them starts from what the model states of them.
/// </summary>
/// <remarks>
/// What the model states of a value that the runtime can't tell is believed as far as the element type and the rank; its sizes
/// are those of one trace, and exporters leave stale ones behind.
/// </remarks>
internal static class ShapeInference
{
    /// <summary>The types of what <paramref name="graph"/> and the graphs nested in it compute, as far as they are known.</summary>
    internal static Dictionary<Value, TensorType> Infer(Graph graph)
    {
        Node[] nodes = [.. InOrder(graph)];
        Dictionary<Value, TensorType> types = [];
        if (TypeProbe.TryAsk(nodes, types))
        {
            return types;
        }

        HashSet<Node> refused = [];
        Divide(nodes, types, refused);

        // Once more as a whole: sizes that are computed from shapes do not pass from one part to the next.
        Dictionary<Value, TensorType> whole = [];
        return TypeProbe.TryAsk([.. nodes.Where(node => !refused.Contains(node))], whole) ? whole : types;
    }

    /// <summary>
    /// What a graph states of one of its inputs. The shape of what a <c>Loop</c> carries may change from one iteration to the next,
    /// so that a body's are not believed. Free dimensions get names of their own: ONNX Runtime takes inputs that give one name to two
    /// sizes, and exporters name everything that they do not know "None" or "?". Equal names of inferred dimensions are one size then.
    /// </summary>
    internal static TensorType? OfInput(Value input) =>
        input.Type is not { Shape: { } shape } stated ? input.Type
        : input.Graph.Owner is { OpType: "Loop", Domain: "" } ? stated with { Shape = IsOfIteration(input) ? shape : null }
        : input.Graph.Owner is not null ? stated with { Shape = [.. shape.Select(dimension => dimension with { Symbol = null })] }
        : stated with { Shape = [.. shape.Select((dimension, axis) => dimension.Size is null ? (Dimension)$"{input.Name}.{axis}" : dimension)] };

    /// <summary>The number of the iteration and the condition, ahead of what is carried, are scalars.</summary>
    private static bool IsOfIteration(Value input) => input == input.Graph.Inputs[0] || input == input.Graph.Inputs[1];

    internal static TensorType? WithoutSizes(TensorType? stated) =>
        stated is { Shape: { } shape } ? stated with { Shape = [.. shape.Select(_ => Dimension.Unknown)] } : stated;

    /// <summary>Asks about each half of what was refused, with what is known of the first as a start of the second, down to single nodes.</summary>
    private static void Divide(ReadOnlyMemory<Node> nodes, Dictionary<Value, TensorType> types, HashSet<Node> refused)
    {
        if (nodes.Length == 1)
        {
            refused.Add(nodes.Span[0]);
            return;
        }

        foreach (ReadOnlyMemory<Node> half in new[] { nodes[..(nodes.Length / 2)], nodes[(nodes.Length / 2)..] })
        {
            if (!TypeProbe.TryAsk(half.ToArray(), types))
            {
                Divide(half, types, refused);
            }
        }
    }

    private static IEnumerable<Node> InOrder(Graph graph) =>
        graph.TopologicalOrder().SelectMany(node => node.Subgraphs.SelectMany(InOrder).Append(node));
}
