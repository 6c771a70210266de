using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Two nodes with the same operator, domain, attributes and inputs → one, also where one stands in a branch and the other in the graph around it.
/// Safe for operators that compute the same each time: random ones stay, nodes that hold graphs, and operators of domains whose
/// meaning is not known here. Small constants count as the same input when their elements are; of weights, which layers take
/// folds into, <see cref="MergeDuplicateInitializers"/> makes one first.
/// </summary>
internal static class MergeDuplicateNodes
{
    /// <summary>Constants up to this size in bytes are compared by their elements.</summary>
    private const int LargestComparedConstant = 1024;

    /// <summary>The standard domains, and ONNX Runtime's own. A custom operator may count its calls or read a clock.</summary>
    private static readonly HashSet<string> KnownDomains = new(StringComparer.Ordinal) { "", "ai.onnx.ml", TargetProfile.ContributedDomain };

    /// <summary>Merges in a graph and in those nested in it, and returns how many nodes vanished.</summary>
    internal static int Apply(Graph graph) => Apply(graph, []);

    /// <param name="around">The nodes of the graphs around, one set a graph: what they make is seen here.</param>
    private static int Apply(Graph graph, HashSet<Node>[] around)
    {
        HashSet<Node>[] seen = [.. around, new(new Twins())];
        int merged = 0;

        // In this order, what a node reads is merged before the node is looked at.
        foreach (Node node in graph.TopologicalOrder().Where(IsComparable))
        {
            Node? twin = null;
            if (seen.Any(nodes => nodes.TryGetValue(node, out twin)) && CanReplace(node, twin!))
            {
                for (int i = 0; i < node.Outputs.Count; i++)
                {
                    node.Outputs[i].ReplaceWith(twin!.Outputs[i]);
                }

                graph.Remove(node);
                merged++;
            }
            else
            {
                seen[^1].Add(node);
            }
        }

        return merged + graph.Nodes.SelectMany(node => node.Subgraphs).ToArray().Sum(inner => Apply(inner, seen));
    }

    private static bool IsComparable(Node node) => node.Inputs.Count > 0 && KnownDomains.Contains(node.Domain) && !FoldConstants.IsRandom(node) && !node.Subgraphs.Any();

    private static bool CanReplace(Node node, Node twin) =>
        node.Outputs.Zip(twin.Outputs).All(pair => pair.First.CanReplaceWith(pair.Second) && !IsHandedOutOfBranch(pair.First, pair.Second));

    /// <summary>ONNX Runtime refuses a branch that returns an outer value without a node of its own.</summary>
    private static bool IsHandedOutOfBranch(Value value, Value twin) => value.IsOutput && twin.Graph != value.Graph;

    /// <summary>Nodes that compute the same are equal.</summary>
    private sealed class Twins : IEqualityComparer<Node>
    {
        public bool Equals(Node? a, Node? b) =>
            a == b || (a is not null && b is not null
                && a.OpType == b.OpType && a.Domain == b.Domain && a.Inputs.Count == b.Inputs.Count && a.Outputs.Count == b.Outputs.Count
                && a.Inputs.Zip(b.Inputs).All(pair => AreSame(pair.First, pair.Second))
                && a.HasSameAttributes(b));

        public int GetHashCode(Node node)
        {
            HashCode hash = new();
            hash.Add(node.OpType, StringComparer.Ordinal);
            foreach (Value? input in node.Inputs)
            {
                hash.Add(Comparable(input) is { } constant ? MergeDuplicateInitializers.Key(constant) : input?.GetHashCode());
            }

            hash.Add(node.AttributesHashCode());
            return hash.ToHashCode();
        }

        private static bool AreSame(Value? a, Value? b) =>
            a == b || (Comparable(a) is { } first && Comparable(b) is { } second && MergeDuplicateInitializers.AreEqual(first, second));

        private static Tensor? Comparable(Value? value) => value?.Constant is { } constant && constant.Data.Length <= LargestComparedConstant ? constant : null;
    }
}
