using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Quantization.Equalization;

/// <summary>
/// The channels of a graph that have to be scaled alike: whatever flows lead to one another have one number. Layers begin and end a scaling: their
/// weights take it up. Everything else holds its channels at 1.
/// </summary>
internal sealed class ChannelGroups
{
    private readonly List<int> parents = [];
    private readonly OrderedDictionary<Value, int[]> channels = [];
    private readonly HashSet<int> held = [];

    internal ChannelGroups(Graph graph, RuleContext types)
    {
        ChannelFlows flows = new(types);
        Order = graph.TopologicalOrder();
        foreach (Value value in graph.Inputs.Concat(Order.SelectMany(node => node.Outputs)))
        {
            if (flows.ChannelsOf(value) is { } count)
            {
                channels.Add(value, [.. Enumerable.Range(parents.Count, count)]);
                parents.AddRange(Enumerable.Range(parents.Count, count));
            }
        }

        foreach (Node node in Order)
        {
            if (LayerOf(node, types) is { } layer)
            {
                Layers.Add(node, layer);
            }
            else if (flows.Through(node) is { } through)
            {
                Flows.Add(node, through);
                foreach (ChannelFlow flow in through)
                {
                    Join(flow);
                }
            }
        }

        Hold(graph);
    }

    internal IReadOnlyList<Node> Order { get; }

    /// <summary>The layers whose input and output channels may be scaled.</summary>
    internal Dictionary<Node, LinearLayer> Layers { get; } = [];

    internal Dictionary<Node, IReadOnlyList<ChannelFlow>> Flows { get; } = [];

    /// <summary>The values that have channels, in topological order.</summary>
    internal IEnumerable<Value> Values => channels.Keys;

    /// <summary>For each channel of a value the number of what is scaled alike; null when the value has no channels.</summary>
    internal int[]? Of(Value value) => channels.TryGetValue(value, out int[]? ids) ? Array.ConvertAll(ids, Root) : null;

    /// <summary>Whether the channels of that number must keep their scale.</summary>
    internal bool IsHeld(int number) => held.Contains(number);

    /// <summary>The values, grouped by the channels that they share. Values of one group are scaled together, each group for itself.</summary>
    internal IEnumerable<Value[]> Connected()
    {
        Dictionary<int, int> groupOf = [];
        List<List<Value>> groups = [];
        foreach (Value value in Values)
        {
            int[] numbers = [.. Of(value)!.Distinct()];
            int[] met = [.. numbers.Where(groupOf.ContainsKey).Select(number => groupOf[number]).Distinct().Order()];
            int target = met.Length > 0 ? met[0] : groups.Count;
            if (met.Length == 0)
            {
                groups.Add([]);
            }

            foreach (int other in met.Skip(1))
            {
                groups[target].AddRange(groups[other]);
                groups[other].Clear();
                foreach (int number in groupOf.Where(entry => entry.Value == other).Select(entry => entry.Key).ToArray())
                {
                    groupOf[number] = target;
                }
            }

            groups[target].Add(value);
            foreach (int number in numbers)
            {
                groupOf[number] = target;
            }
        }

        return groups.Where(group => group.Count > 0).Select(group => group.ToArray());
    }

    private LinearLayer? LayerOf(Node node, RuleContext types)
    {
        // A product of more dimensions has its channels last.
        if (types.RankOf(node.Output) is not { } rank || (rank > 2 && node.OpType == "MatMul") || !LinearLayer.IsLinear(node) || node.GetInt("transA", 0) != 0 || LinearLayer.From(node, out _) is not { } layer || layer.BiasOfChannels() is null)
        {
            return null;
        }

        return channels.GetValueOrDefault(node.Inputs[0]!)?.Length == layer.InputChannels && channels.GetValueOrDefault(node.Output)?.Length == layer.OutputChannels ? layer : null;
    }

    private void Join(ChannelFlow flow)
    {
        (int[] input, int[] output) = (channels[flow.Input], channels[flow.Output]);
        for (int c = 0; c < output.Length; c++)
        {
            if (flow.From[c] >= 0)
            {
                parents[Root(output[c])] = Root(input[flow.From[c]]);
            }
        }
    }

    private void Hold(Graph graph)
    {
        foreach ((Value value, int[] ids) in channels)
        {
            bool isMade = value.Producer is { } producer && (Layers.ContainsKey(producer) || Flows.ContainsKey(producer));
            bool isFree = isMade && !value.IsOutput && value.Uses.All(use => use.Node.Graph == graph && IsFree(use, value));
            if (!isFree)
            {
                held.UnionWith(ids.Select(Root));
            }
        }
    }

    private bool IsFree(Use use, Value value) =>
        Layers.ContainsKey(use.Node) ? use.Index == 0 : Flows.TryGetValue(use.Node, out IReadOnlyList<ChannelFlow>? through) && through.Any(flow => flow.Input == value);

    private int Root(int id)
    {
        while (parents[id] != id)
        {
            id = parents[id] = parents[parents[id]];
        }

        return id;
    }
}
