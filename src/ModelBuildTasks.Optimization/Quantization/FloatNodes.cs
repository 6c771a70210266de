using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>Nodes that integer kernels would fit and that stay in float all the same, each with its reason.</summary>
internal sealed class FloatNodes
{
    private readonly Dictionary<Node, string> reasons = [];

    internal FloatNodes()
    {
    }

    internal FloatNodes(FloatNodes others) => reasons = new(others.reasons);

    internal IReadOnlySet<Node> Nodes => reasons.Keys.ToHashSet();

    /// <summary>The reason as a clause; null for a node that is not kept in float.</summary>
    internal string? ReasonOf(Node node) => reasons.GetValueOrDefault(node);

    internal bool Contains(Node node) => reasons.ContainsKey(node);

    internal void Add(Node node, string reason) => reasons[node] = reason;

    /// <summary>One sentence for each node, those included that no kernel fits.</summary>
    internal IReadOnlyList<string> Explain(QuantizationCandidates candidates) =>
    [
        .. candidates.Refusals.Concat(reasons)
            .Select(entry => (Name: LinearLayer.Describe(entry.Key), Reason: entry.Value))
            .OrderBy(entry => entry.Name, StringComparer.Ordinal)
            .Select(entry => $"{entry.Name} stays in float: {entry.Reason}."),
    ];
}
