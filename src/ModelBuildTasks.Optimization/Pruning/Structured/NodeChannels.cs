using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>The channels that one node reads and gives, for the rule of its operator. An axis that the rule does not read keeps all its channels.</summary>
internal sealed class NodeChannels(DependencyGraph graph, Node node)
{
    internal Node Node => node;

    internal long Opset => graph.Model.Opset;

    internal IReadOnlyList<Dimension>? Shape(int input) => node.Input(input) is { } value ? graph.ShapeOf(value) : null;

    internal IReadOnlyList<Dimension>? OutputShape(int output = 0) => graph.ShapeOf(node.Outputs[output]);

    internal IReadOnlyList<Dimension>? ShapeOf(Value value) => graph.ShapeOf(value);

    internal Tensor? Constant(int input) => node.Input(input)?.Constant;

    /// <summary>Whether an axis of an input has channels; asking does not vouch for it.</summary>
    internal int[]? Peek(int input, int axis) => node.Input(input) is { } value ? graph.ChannelsOf(new ValueAxis(value, axis)) : null;

    /// <summary>The channels of an axis of an input, which the rule now vouches for; null where it has none.</summary>
    internal int[]? Read(int input, int axis)
    {
        if (node.Input(input) is not { } value)
        {
            return null;
        }

        graph.MarkFollowed(node, new ValueAxis(value, axis));
        return graph.ChannelsOf(new ValueAxis(value, axis));
    }

    /// <summary>The channels of an axis of constant weights: those that another reader has seen there, or new ones. The axis must be one of a constant's.</summary>
    internal int[] Weight(int input, int axis)
    {
        if (Read(input, axis) is { } known)
        {
            return known;
        }

        int[] added = graph.Classes.Add((int)Constant(input)!.Dimensions[axis]);
        graph.Label(new ValueAxis(node.Input(input)!, axis), added);
        return added;
    }

    /// <summary>States that an axis of a constant has these channels.</summary>
    internal void Weight(int input, int axis, int[] channels) => Join(Weight(input, axis), channels);

    /// <summary>
    /// One number for each channel along the last axis that has more than one: a bias, a scale. Something that is no constant must have the same channels; what
    /// has not keeps them all.
    /// </summary>
    internal void PerChannel(int input, int[] channels)
    {
        if (node.Input(input) is null || (Constant(input) is { } constant && constant.Length == 1))
        {
            return;
        }

        int axis = (Shape(input)?.Count ?? 0) - 1;
        if (axis >= 0 && Shape(input)![axis].Size == channels.Length && (Constant(input) is not null || Peek(input, axis) is not null))
        {
            Join(Constant(input) is not null ? Weight(input, axis) : Read(input, axis)!, channels);
        }
        else
        {
            Keep(channels, $"{DependencyGraph.Describe(node)} adds '{node.Input(input)!.Name}', which does not have these channels");
        }
    }

    /// <summary>States that weights are summed over the channels of an input; nothing where that has none.</summary>
    internal void Contract(int weight, int weightAxis, int input, int inputAxis)
    {
        if (Read(input, inputAxis) is { } read)
        {
            Weight(weight, weightAxis, read);
            graph.Add(new Contraction(node, new ValueAxis(node.Input(weight)!, weightAxis), new ValueAxis(node.Input(input)!, inputAxis)));
        }
    }

    /// <summary>Of a grouped convolution: the weights' second axis counts the channels of one group, which are joined with those of the others.</summary>
    internal void ContractGroup(int[] channelsOfGroup)
    {
        Weight(1, 1, channelsOfGroup);
        graph.Add(new Contraction(node, new ValueAxis(node.Input(1)!, 1), new ValueAxis(node.Input(0)!, 1)));
    }

    /// <summary>Of a recurrent layer: what it gives, [steps, directions, batch, hidden], is summed over by its own weights.</summary>
    internal void ContractRecurrence(int[] hidden)
    {
        Weight(2, 2, hidden);
        graph.Add(new Contraction(node, new ValueAxis(node.Input(2)!, 2), new ValueAxis(node.Outputs[0], 3)));
    }

    internal void Give(int output, int axis, int[]? channels)
    {
        if (channels is not null)
        {
            Give(node.Outputs[output], axis, channels);
        }
    }

    internal void Give(Value value, int axis, int[] channels) => graph.Label(new ValueAxis(value, axis), channels);

    /// <summary>Hands the channels of an axis of the first input on.</summary>
    internal void Pass(int inputAxis, int outputAxis, int output = 0) => Give(output, outputAxis, Read(0, inputAxis));

    internal int[] NewChannels(int count) => graph.Classes.Add(count);

    internal void Join(int first, int second) => graph.Classes.Join(first, second);

    internal void Join(int[] first, int[] second) => graph.Join(first, second);

    internal void Keep(IEnumerable<int> channels, string reason) => graph.Keep(channels, reason);

    /// <summary>What to state anew in the node when some of <paramref name="channels"/> are removed.</summary>
    internal void WhenRemoved(int[] channels, Action<ChannelRemoval> edit) => graph.Add(removal =>
    {
        if (removal.Count(channels) < channels.Length)
        {
            edit(removal);
        }
    });
}
