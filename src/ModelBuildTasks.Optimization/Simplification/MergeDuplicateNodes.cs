using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Two nodes with the same operator, domain, attributes and inputs → one, also where one stands in a branch and the other in the graph around it.
/// Safe for operators that compute the same each time: random ones stay, nodes that hold graphs, and operators of domains whose
/// meaning is not known here. Constants count as the same input when their elements are.
/// </summary>
internal sealed class MergeDuplicateNodes : IGraphRule
{
    /// <summary>Weights are not compared: a twin of a layer would hinder folding into either, and does not occur.</summary>
    private const int LargestComparedConstant = 1024;

    /// <summary>The standard domains, and ONNX Runtime's own. A custom operator may count its calls or read a clock.</summary>
    private static readonly HashSet<string> KnownDomains = new(StringComparer.Ordinal) { "", "ai.onnx.ml", "com.microsoft" };

    public string Name => "duplicate node merging";

    public bool Matches(Node node) => node.Inputs.Count > 0 && KnownDomains.Contains(node.Domain) && !FoldConstants.IsRandom(node) && !node.Subgraphs.Any();

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        Node? twin = node.Inputs.FirstOrDefault(input => input is { Constant: null })?.Uses
            .Select(use => use.Node)
            .FirstOrDefault(other => other != node && IsAround(other.Graph, node.Graph) && AreTwins(node, other));
        if (twin is null || node.Outputs.Zip(twin.Outputs).Any(pair => !pair.First.CanReplaceWith(pair.Second) || IsHandedOutOfBranch(pair.First, pair.Second)))
        {
            return RuleOutcome.NotApplicable;
        }

        for (int i = 0; i < node.Outputs.Count; i++)
        {
            node.Outputs[i].ReplaceWith(twin.Outputs[i]);
        }

        node.Graph.Remove(node);
        return RuleOutcome.Applied;
    }

    /// <summary>Whether what <paramref name="graph"/> makes is seen in <paramref name="inner"/>.</summary>
    private static bool IsAround(Graph graph, Graph? inner)
    {
        while (inner is not null && inner != graph)
        {
            inner = inner.Parent;
        }

        return inner is not null;
    }

    /// <summary>ONNX Runtime refuses a branch that returns an outer value without a node of its own.</summary>
    private static bool IsHandedOutOfBranch(Value value, Value twin) => value.IsOutput && twin.Graph != value.Graph;

    private static bool AreTwins(Node a, Node b) =>
        a.OpType == b.OpType && a.Domain == b.Domain && a.Inputs.Count == b.Inputs.Count && a.Outputs.Count == b.Outputs.Count
        && a.Inputs.Zip(b.Inputs).All(pair => AreSame(pair.First, pair.Second))
        && a.HasSameAttributes(b);

    private static bool AreSame(Value? a, Value? b) =>
        a == b || (a?.Constant is { } first && b?.Constant is { } second && first.Data.Length <= LargestComparedConstant && MergeDuplicateInitializers.AreEqual(first, second));
}
