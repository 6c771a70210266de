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

    /// <summary>The values that change with small changes of some of <paramref name="sources"/>, and these themselves.</summary>
    /// <param name="order">Nodes, each behind those that it reads from.</param>
    /// <param name="sources">Where the search starts.</param>
    public static HashSet<Value> After(IReadOnlyList<Node> order, IEnumerable<Value> sources)
    {
        HashSet<Value> after = [.. sources];
        foreach (Node node in order)
        {
            if (Reads(node).Any(after.Contains) && GradientRules.Find(node)?.Passes(node) != false)
            {
                after.UnionWith(node.Outputs);
            }
        }

        return after;
    }

    /// <summary>The values among <paramref name="within"/> on which some of <paramref name="values"/> depend, and these themselves.</summary>
    public static HashSet<Value> Before(IEnumerable<Value> values, HashSet<Value> within)
    {
        HashSet<Value> before = [];
        Stack<Value> open = new(values);
        while (open.TryPop(out Value? next))
        {
            if (within.Contains(next) && before.Add(next) && next.Producer is { } producer)
            {
                foreach (Value read in Reads(producer))
                {
                    open.Push(read);
                }
            }
        }

        return before;
    }
}
