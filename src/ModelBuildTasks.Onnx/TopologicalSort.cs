namespace ModelBuildTasks.Onnx;

/// <summary>Kahn's algorithm, stable: of the nodes that are ready, the one that stands first comes first.</summary>
internal static class TopologicalSort
{
    internal static IReadOnlyList<Node> Order(Graph graph)
    {
        IReadOnlyList<Node> nodes = graph.Nodes;
        Dictionary<Node, int> position = new(nodes.Count);
        for (int i = 0; i < nodes.Count; i++)
        {
            position.Add(nodes[i], i);
        }

        int[] missing = new int[nodes.Count];
        List<int>[] readers = new List<int>[nodes.Count];
        for (int i = 0; i < nodes.Count; i++)
        {
            foreach (Value? value in Reads(nodes[i]))
            {
                if (value?.Producer is not { } producer || producer.Graph != graph)
                {
                    continue;
                }

                // Readers are added in order, so that one that reads twice stands last already.
                List<int> known = readers[position[producer]] ??= [];
                if (known.Count == 0 || known[^1] != i)
                {
                    known.Add(i);
                    missing[i]++;
                }
            }
        }

        PriorityQueue<int, int> ready = new();
        for (int i = 0; i < nodes.Count; i++)
        {
            if (missing[i] == 0)
            {
                ready.Enqueue(i, i);
            }
        }

        List<Node> order = new(nodes.Count);
        while (ready.TryDequeue(out int next, out _))
        {
            order.Add(nodes[next]);
            foreach (int reader in readers[next] ?? [])
            {
                if (--missing[reader] == 0)
                {
                    ready.Enqueue(reader, reader);
                }
            }
        }

        return order.Count == nodes.Count
            ? order
            : throw ModelFormatException.Invalid($"Graph '{graph.Name}' has a cycle through {nodes.Except(order).First()}.");
    }

    /// <summary>What a node reads, itself or from nested graphs.</summary>
    private static IEnumerable<Value?> Reads(Node node) => !node.Subgraphs.Any() ? node.Inputs : node.Inputs.Concat(
        node.Subgraphs
            .SelectMany(inner => inner.WithSubgraphs())
            .SelectMany(inner => inner.Nodes.SelectMany(n => n.Inputs).Concat(inner.Outputs)));
}
