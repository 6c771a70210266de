using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>Classes that may go and have slices of the same weights: the channels of one layer, or of layers that a sum or the like couples.</summary>
/// <param name="Name">The layer that makes them; of coupled ones the first.</param>
/// <param name="Classes">At least one, ascending.</param>
/// <param name="Width">Indices that a class has on the axis where it has fewest: 1 for a filter, the head's width for a head.</param>
/// <param name="Makers">The nodes that make them, or carry constants along them, such as a bias.</param>
/// <param name="Layers">Names of all layers that make or read them.</param>
internal sealed record ChannelSet(string Name, int[] Classes, int Width, IReadOnlyList<Node> Makers, IReadOnlySet<string> Layers)
{
    /// <summary>All sets of a graph, in the order of its nodes.</summary>
    internal static List<ChannelSet> Of(DependencyGraph graph)
    {
        ValueAxis[] axes = [.. graph.Channels.Keys.Where(axis => axis.Value.Constant is not null)];
        Dictionary<int, List<int>> places = [];
        for (int place = 0; place < axes.Length; place++)
        {
            foreach (int channel in graph.Channels[axes[place]].Select(graph.Classes.Find).Distinct())
            {
                if (graph.Classes.ReasonToKeep(channel) is null)
                {
                    (places.TryGetValue(channel, out List<int>? known) ? known : places[channel] = []).Add(place);
                }
            }
        }

        return [.. places.GroupBy(entry => string.Join(',', entry.Value)).Select(alike => From(graph, [.. alike.Select(entry => entry.Key).Order()], [.. alike.First().Value.Select(place => axes[place])])).OrderBy(set => set.Classes[0])];
    }

    private static ChannelSet From(DependencyGraph graph, int[] classes, ValueAxis[] axes)
    {
        HashSet<ValueAxis> contracted = [.. graph.Contractions.Select(contraction => contraction.Weight)];
        Node[] makers = [.. axes.Where(axis => !contracted.Contains(axis)).SelectMany(axis => axis.Value.Uses).Select(use => use.Node)];
        Node[] all = [.. axes.SelectMany(axis => axis.Value.Uses).Select(use => use.Node)];
        int width = axes.Min(axis => graph.Channels[axis].Count(channel => graph.Classes.Find(channel) == classes[0]));
        return new ChannelSet(NameOf(makers.Length > 0 ? makers[0] : all[0]), classes, width, makers, all.Select(NameOf).ToHashSet());
    }

    internal static string NameOf(Node node) => node.Name.Length > 0 ? node.Name : node.Outputs[0].Name;
}
