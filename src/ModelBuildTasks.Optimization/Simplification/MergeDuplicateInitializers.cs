using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Initializers of one graph with the same type, dimensions and bytes → one initializer. Done last: a weight with two readers
/// cannot take up a normalization of one of them.
/// </summary>
internal static class MergeDuplicateInitializers
{
    /// <summary>Merges and returns how many initializers vanished.</summary>
    internal static int Apply(Graph graph)
    {
        Dictionary<int, List<Value>> kept = [];
        int merged = 0;
        // The shortest name stays: some exporters write names that are longer than the scalars that they name.
        IEnumerable<Value> candidates = graph.Initializers.Where(value => value is { IsInput: false, IsOutput: false, Constant.Data.IsEmpty: false });
        foreach (Value candidate in candidates.OrderBy(value => value.Name.Length).ToArray())
        {
            Tensor tensor = candidate.Initializer!;
            HashCode hash = new();
            hash.Add(tensor.ElementType);
            hash.AddBytes(tensor.Data.Span);
            int key = hash.ToHashCode();
            if (!kept.TryGetValue(key, out List<Value>? same))
            {
                kept.Add(key, same = []);
            }

            if (same.Find(other => AreEqual(other.Initializer!, tensor)) is { } first)
            {
                candidate.ReplaceWith(first);
                graph.RemoveInitializer(candidate);
                merged++;
            }
            else
            {
                same.Add(candidate);
            }
        }

        return merged;
    }

    internal static bool AreEqual(Tensor a, Tensor b) =>
        a.ElementType.BitsPerElement() > 0 && a.ElementType == b.ElementType && a.Dimensions.SequenceEqual(b.Dimensions) && a.Data.Span.SequenceEqual(b.Data.Span);
}
