using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>An axis of a value.</summary>
internal readonly record struct ValueAxis(Value Value, int Axis);

/// <summary>Weights that are multiplied with channels and summed over them: where a channel is read for the last time.</summary>
/// <param name="Reader">The layer.</param>
/// <param name="Weight">The axis of its constant weights along the channels.</param>
/// <param name="Input">The axis of what it reads; two channels of one class may be apart there.</param>
internal sealed record Contraction(Node Reader, ValueAxis Weight, ValueAxis Input);

/// <summary>
/// Which slices of which tensors go together when a channel is removed (Fang et al., "DepGraph: Towards Any Structural Pruning", 2023). Each index of an axis
/// that has channels carries a channel's number; an operator's rule joins the channels that have to go together, so that a class
/// of joined channels is what can be removed. After Flatten a channel stands at many indices, after Concat behind others.
/// </summary>
/// <remarks>
/// What no rule has vouched for stays: an axis that a reader's rule does not follow, a constant that another node reads in another way, what a nested graph
/// reads, and what the model hands out. Removing a class then gives what the model gives with the weights of its <see cref="Contractions"/> at zero.
/// </remarks>
internal sealed class DependencyGraph
{
    private readonly Dictionary<ValueAxis, int[]> channels = [];
    private readonly HashSet<(Node Reader, ValueAxis Axis)> followed = [];
    private readonly List<Contraction> contractions = [];
    private readonly List<Action<ChannelRemoval>> edits = [];
    private readonly Dictionary<Value, TensorType> types;

    private DependencyGraph(Model model)
    {
        Model = model;
        types = ShapeInference.Infer(model.Graph);
    }

    internal Model Model { get; }

    internal ChannelClasses Classes { get; } = new();

    /// <summary>All axes that have channels, with the channel of each index.</summary>
    internal IReadOnlyDictionary<ValueAxis, int[]> Channels => channels;

    internal IReadOnlyList<Contraction> Contractions => contractions;

    /// <summary>What nodes state about their channels (groups, sizes, ranges), to be stated anew for those that are left.</summary>
    internal IReadOnlyList<Action<ChannelRemoval>> Edits => edits;

    /// <summary>Follows the channels through the main graph of <paramref name="model"/>, in the order of its nodes.</summary>
    internal static DependencyGraph Of(Model model)
    {
        DependencyGraph graph = new(model);
        foreach (Node node in model.Graph.TopologicalOrder())
        {
            graph.Follow(node);
        }

        graph.KeepWhatIsSeenElsewhere();
        return graph;
    }

    /// <summary>The sizes of a value; null where not even the number of axes is known.</summary>
    internal IReadOnlyList<Dimension>? ShapeOf(Value value) =>
        value.Constant is { } tensor ? [.. tensor.Dimensions.Select(size => (Dimension)size)]
        : types.TryGetValue(value, out TensorType? type) ? type.Shape
        : value.Type?.Shape;

    internal int[]? ChannelsOf(ValueAxis axis) => channels.GetValueOrDefault(axis);

    internal void Label(ValueAxis axis, int[] labels) => channels[axis] = labels;

    internal void MarkFollowed(Node reader, ValueAxis axis) => followed.Add((reader, axis));

    internal void Add(Contraction contraction) => contractions.Add(contraction);

    internal void Add(Action<ChannelRemoval> edit) => edits.Add(edit);

    internal void Join(int[] first, int[] second)
    {
        for (int i = 0; i < first.Length; i++)
        {
            Classes.Join(first[i], second[i]);
        }
    }

    internal void Keep(IEnumerable<int> kept, string reason)
    {
        foreach (int channel in kept)
        {
            Classes.Keep(channel, reason);
        }
    }

    private void Follow(Node node)
    {
        if (ChannelRules.Find(node) is { } rule)
        {
            rule(new NodeChannels(this, node));
        }

        foreach (Value input in node.Inputs.OfType<Value>().Distinct())
        {
            for (int axis = 0; axis < (ShapeOf(input)?.Count ?? 0); axis++)
            {
                if (input.Constant is null && channels.TryGetValue(new ValueAxis(input, axis), out int[]? read) && !followed.Contains((node, new ValueAxis(input, axis))))
                {
                    Keep(read, $"{Describe(node)} reads axis {axis} of '{input.Name}' as a whole");
                }
            }
        }
    }

    private void KeepWhatIsSeenElsewhere()
    {
        foreach ((ValueAxis axis, int[] labels) in channels)
        {
            Value value = axis.Value;
            if (value.IsOutput)
            {
                Keep(labels, $"'{value.Name}' is an output of the model");
            }

            foreach (Use use in value.Uses)
            {
                if (use.Node.Graph != Model.Graph)
                {
                    Keep(labels, $"'{value.Name}' is read in a nested graph");
                }
                else if (value.Constant is not null && !followed.Contains((use.Node, axis)))
                {
                    Keep(labels, $"{Describe(use.Node)} reads '{value.Name}' in another way");
                }
            }
        }
    }

    internal static string Describe(Node node) => node.Name.Length > 0 ? $"{node.OpType} '{node.Name}'" : $"{node.OpType} of '{node.Outputs[0].Name}'";
}
