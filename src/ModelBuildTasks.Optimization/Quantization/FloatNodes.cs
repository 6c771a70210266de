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

    /// <summary>The names of their first outputs, in ordinal order.</summary>
    internal IReadOnlyList<string> Names => [.. reasons.Keys.Select(node => node.Output.Name).Order(StringComparer.Ordinal)];

    /// <summary>The reason as a clause; null for a node that is not kept in float.</summary>
    internal string? ReasonOf(Node node) => reasons.GetValueOrDefault(node);

    internal bool Contains(Node node) => reasons.ContainsKey(node);

    internal void Add(Node node, string reason) => reasons[node] = reason;

    /// <summary>Adds a Concat whose inputs differ too much in range, and the layers that would read it.</summary>
    internal void AddTooWide(Node concat, NodeSelection selection)
    {
        Add(concat, "its inputs differ too much in range for one scale");
        foreach (Node reader in selection.LayersReading(concat.Output))
        {
            Add(reader, $"it reads {LinearLayer.Describe(concat)}, whose inputs differ too much in range for one scale");
        }
    }

    /// <summary>One sentence for each node, those included that no kernel fits.</summary>
    internal IReadOnlyList<string> Explain(QuantizationCandidates candidates) =>
    [
        .. candidates.Refusals.Concat(reasons)
            .Select(entry => (Name: LinearLayer.Describe(entry.Key), Reason: entry.Value))
            .OrderBy(entry => entry.Name, StringComparer.Ordinal)
            .Select(entry => $"{entry.Name} stays in float: {entry.Reason}."),
    ];
}
