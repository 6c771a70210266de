using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Pruning.Structured.Coupling;

/// <summary>
/// Convolutions: filters make new channels and are summed over those that they read. Of a grouped one, every group loses the same
/// channels, so that groups stay equal; of a depthwise one, a channel goes with its filters.
/// </summary>
internal static class Convolutions
{
    /// <summary>W: [outputs, inputs / groups, …].</summary>
    internal static void Conv(NodeChannels node)
    {
        if (node.Constant(1) is not { Dimensions.Count: >= 3 } weight)
        {
            return;
        }

        int groups = (int)node.Node.GetInt("group", 1);
        int[] outputs = node.Weight(1, 0);
        if (groups == 1)
        {
            node.Contract(1, 1, 0, 1);
        }
        else if (weight.Dimensions[1] == 1)
        {
            Depthwise(node, outputs, groups);
        }
        else
        {
            JoinAcrossGroups(node, outputs, groups);
            if (node.Peek(0, 1) is { } inputs)
            {
                JoinAcrossGroups(node, inputs, groups);
                node.Read(0, 1);
                node.ContractGroup(inputs[..(inputs.Length / groups)]);
            }
        }

        Finish(node, outputs);
    }

    /// <summary>W: [inputs, outputs / groups, …].</summary>
    internal static void ConvTranspose(NodeChannels node)
    {
        if (node.Constant(1) is not { Dimensions.Count: >= 3 } weight)
        {
            return;
        }

        int groups = (int)node.Node.GetInt("group", 1);
        if (groups == 1)
        {
            node.Contract(1, 0, 0, 1);
            Finish(node, node.Weight(1, 1));
        }
        else if (weight.Dimensions[0] == groups && weight.Dimensions[1] == 1)
        {
            int[] outputs = node.Weight(1, 0);
            Depthwise(node, outputs, groups);
            Finish(node, outputs);
        }
    }

    private static void Depthwise(NodeChannels node, int[] outputs, int groups)
    {
        if (node.Read(0, 1) is not { } inputs)
        {
            node.Keep(outputs, $"the channels that {DependencyGraph.Describe(node.Node)} filters one by one are not made by a layer");
            return;
        }

        int filters = outputs.Length / groups;
        for (int i = 0; i < outputs.Length; i++)
        {
            node.Join(inputs[i / filters], outputs[i]);
        }

        node.WhenRemoved(inputs, removal => node.Node.Set("group", (long)removal.Count(inputs)));
    }

    private static void JoinAcrossGroups(NodeChannels node, int[] channels, int groups)
    {
        int size = channels.Length / groups;
        for (int i = size; i < channels.Length; i++)
        {
            node.Join(channels[i % size], channels[i]);
        }
    }

    private static void Finish(NodeChannels node, int[] outputs)
    {
        node.PerChannel(2, outputs);
        node.Pass(0, 0);
        node.Give(0, 1, outputs);
    }
}
