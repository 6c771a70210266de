using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>
/// The importance of a channel by its weights alone: the mean, over all tensors that it has slices of, of the slice's squared L2 norm as a share of the tensor's (Li et al.,
/// "Pruning Filters for Efficient ConvNets", 2017, over a group as in DepGraph). For where there are no samples.
/// </summary>
internal static class MagnitudeImportance
{
    internal static RemovalOrder Of(DependencyGraph graph, ChannelSet set)
    {
        Dictionary<int, int> members = set.Classes.Select((channel, i) => (channel, i)).ToDictionary(entry => entry.channel, entry => entry.i);
        double[] interactions = new double[members.Count * members.Count];
        ValueAxis[] weights = [.. graph.Channels.Keys.Where(axis => axis.Value.Constant is { Dimensions.Count: >= 2 } && graph.Channels[axis].Any(channel => members.ContainsKey(graph.Classes.Find(channel))))];
        foreach (ValueAxis axis in weights)
        {
            double[] norms = TensorSlices.SquaredNorms(axis.Value.Constant!, axis.Axis);
            double total = norms.Sum();
            for (int i = 0; i < norms.Length && total > 0; i++)
            {
                if (members.TryGetValue(graph.Classes.Find(graph.Channels[axis][i]), out int member))
                {
                    interactions[member * members.Count + member] += norms[i] / total / weights.Length;
                }
            }
        }

        return RemovalOrder.Of(set.Classes, interactions);
    }
}
