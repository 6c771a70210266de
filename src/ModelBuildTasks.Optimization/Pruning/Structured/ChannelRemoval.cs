using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>Takes classes of channels out of a model: slices of constants, what nodes state of sizes, and the shapes that the model states.</summary>
internal sealed class ChannelRemoval
{
    private readonly DependencyGraph graph;
    private readonly HashSet<int> removed;

    private ChannelRemoval(DependencyGraph graph, IEnumerable<int> classes)
    {
        this.graph = graph;
        removed = [.. classes];
    }

    /// <summary>Removes the classes, after which <paramref name="graph"/> no longer describes its model.</summary>
    /// <exception cref="InvalidOperationException">A class has a reason to stay, or an axis would be left without any channel.</exception>
    internal static void Apply(DependencyGraph graph, IReadOnlyCollection<int> classes)
    {
        if (classes.Select(graph.Classes.ReasonToKeep).FirstOrDefault(reason => reason is not null) is { } reason)
        {
            throw new InvalidOperationException($"A channel has to stay: {reason}.");
        }

        ChannelRemoval removal = new(graph, classes);
        ValueAxis[] changed = [.. graph.Channels.Where(entry => removal.Count(entry.Value) < entry.Value.Length).Select(entry => entry.Key)];
        if (changed.FirstOrDefault(axis => removal.Count(graph.Channels[axis]) == 0) is { Value: { } empty })
        {
            throw new InvalidOperationException($"No channel of '{empty.Name}' would be left.");
        }

        foreach (Action<ChannelRemoval> edit in graph.Edits)
        {
            edit(removal);
        }

        foreach (IGrouping<Value, ValueAxis> axes in changed.GroupBy(axis => axis.Value))
        {
            removal.Shrink(axes.Key, [.. axes.Select(axis => axis.Axis)]);
        }

        graph.Model.Graph.RemoveUnused();
    }

    /// <summary>By the names of the results of layers and normalizations that lose channels: the indices of those that they keep.</summary>
    internal static Dictionary<string, int[]> KeptResults(DependencyGraph graph, IReadOnlyCollection<int> classes)
    {
        ChannelRemoval removal = new(graph, classes);
        return graph.Channels
            .Where(entry => ResultAxis(graph, entry.Key.Value) == entry.Key.Axis && removal.Count(entry.Value) < entry.Value.Length)
            .ToDictionary(entry => entry.Key.Value.Name, entry => removal.Positions(entry.Value));
    }

    private static int? ResultAxis(DependencyGraph graph, Value value) => value.Producer switch
    {
        { OpType: "Conv" or "BatchNormalization" or "Gemm", Domain: "" } => 1,
        { OpType: "MatMul", Domain: "" } => graph.ShapeOf(value)?.Count - 1,
        _ => null,
    };

    internal bool Keeps(int channel) => !removed.Contains(graph.Classes.Find(channel));

    internal int Count(int[] channels) => channels.Count(Keeps);

    /// <summary>The indices of an axis that are left.</summary>
    internal int[] Positions(int[] channels) => [.. Enumerable.Range(0, channels.Length).Where(i => Keeps(channels[i]))];

    /// <summary>For each of <paramref name="selected"/> indices of an axis that is left, its index among those left.</summary>
    internal long[] Renumber(int[] channels, IEnumerable<int> selected)
    {
        long[] numbers = new long[channels.Length];
        for (int i = 1; i < channels.Length; i++)
        {
            numbers[i] = numbers[i - 1] + (Keeps(channels[i - 1]) ? 1 : 0);
        }

        return [.. selected.Where(i => Keeps(channels[i])).Select(i => numbers[i])];
    }

    private void Shrink(Value value, int[] axes)
    {
        if (value.Constant is { } constant)
        {
            StoredConstant.Replace(value, axes.Aggregate(constant, (tensor, axis) => TensorSlices.Take(tensor, axis, Positions(graph.Channels[new ValueAxis(value, axis)]))));
        }

        if (value.Type is { Shape: { } shape } type)
        {
            value.Type = type with { Shape = [.. shape.Select((size, axis) => axes.Contains(axis) ? Count(graph.Channels[new ValueAxis(value, axis)]) : size)] };
        }
    }
}
