using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Initializers of one graph with the same type, dimensions and bytes → one initializer. Done last: a weight with two readers
/// cannot take up a normalization of one of them. Weights are compared whole only where a few samples of them agree, so that a
/// large model is not read for this. Weights of 8 bits and their zero points stay apart: for processors without VNNI, ONNX Runtime makes those of each integer
/// product unsigned where exact products are asked for, and refuses to load a model in which two products share them (1.31).
/// </summary>
internal static class MergeDuplicateInitializers
{
    /// <summary>Spots of a tensor that go into its key, each of <see cref="SampleBytes"/>.</summary>
    private const int Samples = 16;

    private const int SampleBytes = 64;

    /// <summary>Merges and returns how many initializers vanished.</summary>
    internal static int Apply(Graph graph)
    {
        Dictionary<int, List<Value>> kept = [];
        int merged = 0;
        // The shortest name stays: some exporters write names that are longer than the scalars that they name.
        IEnumerable<Value> candidates = graph.Initializers.Where(value => value is { IsInput: false, IsOutput: false, Constant: { Data.IsEmpty: false, ElementType: not ElementType.Int8 } });
        foreach (Value candidate in candidates.OrderBy(value => value.Name.Length).ToArray())
        {
            Tensor tensor = candidate.Initializer!;
            int key = Key(tensor);
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

    /// <summary>Equal for equal tensors.</summary>
    internal static int Key(Tensor tensor)
    {
        ReadOnlySpan<byte> bytes = tensor.Data.Span;
        HashCode hash = new();
        hash.Add(tensor.ElementType);
        hash.Add(bytes.Length);
        for (int i = 0; i < Samples; i++)
        {
            int start = (int)((long)Math.Max(0, bytes.Length - SampleBytes) * i / (Samples - 1));
            hash.AddBytes(bytes.Slice(start, Math.Min(SampleBytes, bytes.Length - start)));
        }

        return hash.ToHashCode();
    }

    internal static bool AreEqual(Tensor a, Tensor b) =>
        a.ElementType.BitsPerElement() > 0 && a.ElementType == b.ElementType && a.Dimensions.SequenceEqual(b.Dimensions) && a.Data.Span.SequenceEqual(b.Data.Span);
}
