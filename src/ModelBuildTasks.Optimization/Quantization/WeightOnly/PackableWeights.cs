using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>The operators of a model, nested graphs included, that can read their weights in packed form, and why the others cannot.</summary>
internal sealed class PackableWeights
{
    /// <summary>What the operator's attributes and the names and shapes of codes, scales and zero points add to a file, beside those of one weight.</summary>
    private const int BytesOfDescription = 256;

    private readonly Dictionary<Node, string> reasons = [];

    internal PackableWeights(Model model, BlockFormat format, TargetProfile target)
    {
        List<PackedReader> found = [];
        foreach (Node node in model.Graph.WithSubgraphs().SelectMany(graph => graph.TopologicalOrder()).Where(node => node.Domain.Length == 0))
        {
            string? reason = null;
            PackedReader? reader = node.OpType switch
            {
                "MatMul" or "Gemm" => PackedProduct.From(node, out reason),
                // The kernels of other providers were not tried here.
                "Gather" when target.ExecutionProvider == TargetProfile.CpuProvider => PackedEmbedding.From(node, format, out reason),
                _ => null,
            };
            reason ??= MissingKernel(node.OpType);

            if (reader is not null)
            {
                BlockFormat fitting = (reader is PackedEmbedding ? PackedEmbedding.Format(format) : format).For(reader.Weight.Inputs);
                reason ??= fitting.Bytes(reader.Weight.Inputs, reader.Weight.Outputs) + BytesOfDescription >= reader.Weight.Stored.Data.Length
                    ? $"packed in blocks, its {reader.Weight.Stored.Length} weights would not be smaller"
                    : null;
            }

            if (reason is not null)
            {
                reasons.Add(node, reason);
            }
            else if (reader is not null)
            {
                found.Add(reader);
            }
        }

        Readers = WithoutFloatReaders(found);
    }

    /// <summary>In the order of the graph.</summary>
    internal IReadOnlyList<PackedReader> Readers { get; }

    /// <summary>One sentence for each operator that keeps its weights.</summary>
    internal IReadOnlyList<string> Refusals => [.. reasons.Select(entry => $"{LinearLayer.Describe(entry.Key)} keeps its weights: {entry.Value}.")];

    /// <summary>Why an operator keeps its weights, as a clause; null for one that is packed, or has none.</summary>
    internal string? ReasonOf(Node node) => reasons.GetValueOrDefault(node);

    /// <summary>A weight that someone still reads in float would be stored twice.</summary>
    private List<PackedReader> WithoutFloatReaders(List<PackedReader> found)
    {
        List<PackedReader> kept = found;
        int before;
        do
        {
            before = kept.Count;
            HashSet<Node> packed = [.. kept.Select(reader => reader.Node)];
            HashSet<Use> reads = [.. kept.Select(reader => reader.Read)];
            List<PackedReader> next = [];
            foreach (PackedReader reader in kept)
            {
                Use[] others = [.. reader.Stored.Uses.Where(use => !reads.Contains(use) || !(packed.Contains(use.Node) || use.Node.Output.Uses.All(onward => packed.Contains(onward.Node))))];
                if (others.Length == 0 && !reader.Stored.IsOutput && !reader.Read.Node.Outputs.Any(output => output.IsOutput && reader.Read.Node != reader.Node))
                {
                    next.Add(reader);
                }
                else
                {
                    string other = others.Length > 0 ? $"is read by {LinearLayer.Describe(others[0].Node)}" : "is an output";
                    reasons.Add(reader.Node, $"'{reader.Stored.Name}' also {other}, so that it would be stored twice");
                }
            }

            kept = next;
        }
        while (kept.Count < before);
        return kept;
    }

    private static string? MissingKernel(string operation) => operation switch
    {
        "Conv" or "ConvTranspose" => "no kernel convolves with packed weights",
        "LSTM" or "GRU" or "RNN" => "no kernel of a recurrence reads packed weights",
        _ => null,
    };
}
