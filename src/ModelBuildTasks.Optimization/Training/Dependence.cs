using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Training;

/// <summary>Which values of a graph depend on which.</summary>
internal static class Dependence
{
    /// <summary>The values of its own graph that a node reads: inputs, and what its nested graphs capture.</summary>
    public static IEnumerable<Value> Reads(Node node) =>
        node.Inputs.OfType<Value>().Concat(
            from nested in node.Subgraphs
            from graph in nested.WithSubgraphs()
            from value in graph.Nodes.SelectMany(inner => inner.Inputs).OfType<Value>().Concat(graph.Outputs)
            where value.Graph == node.Graph
            select value);

    /// <summary>The values that depend on some of <paramref name="sources"/>, and these themselves.</summary>
    /// <param name="order">Nodes, each behind those that it reads from.</param>
    /// <param name="sources">Where the search starts.</param>
    public static HashSet<Value> After(IReadOnlyList<Node> order, IEnumerable<Value> sources)
    {
        HashSet<Value> after = [.. sources];
        foreach (Node node in order)
        {
            if (Reads(node).Any(after.Contains))
            {
                after.UnionWith(node.Outputs);
            }
        }

        return after;
    }

    /// <summary>The values among <paramref name="within"/> that a node depends on.</summary>
    public static HashSet<Value> Before(Node node, HashSet<Value> within)
    {
        HashSet<Value> before = [];
        Stack<Node> open = new([node]);
        while (open.TryPop(out Node? next))
        {
            foreach (Value value in Reads(next))
            {
                if (within.Contains(value) && before.Add(value) && value.Producer is { } producer)
                {
                    open.Push(producer);
                }
            }
        }

        return before;
    }
}
