using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>A model in which the weights that sum over some channels are zero: it gives what the model without these channels does.</summary>
internal static class ChannelMask
{
    /// <summary>A copy of the graph's model, with the same shapes.</summary>
    internal static Model Of(DependencyGraph graph, IReadOnlySet<int> classes)
    {
        Model masked = graph.Model.Clone();
        foreach (ValueAxis axis in graph.Contractions.Select(contraction => contraction.Weight).Distinct())
        {
            int[] channels = graph.Channels[axis];
            int[] positions = [.. Enumerable.Range(0, channels.Length).Where(i => classes.Contains(graph.Classes.Find(channels[i])))];
            if (positions.Length > 0)
            {
                Value weight = masked.Graph.Find(axis.Value.Name)!;
                StoredConstant.Replace(weight, TensorSlices.Zero(weight.Constant!, axis.Axis, positions));
            }
        }

        return masked;
    }
}
