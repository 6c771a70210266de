using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Pruning.Structured.Coupling;

/// <summary>
/// Reshape(Transpose(Reshape(x, [N, g, c, …]), [0, 2, 1, …]), [N, g·c, …]) gives channel i·c + j of x at j·g + i (Zhang et al., "ShuffleNet", 2018). Any channel
/// can go; what is left then is no transposition, and a Gather takes its place.
/// </summary>
internal static class ChannelShuffle
{
    /// <param name="node">The first Reshape.</param>
    internal static bool TryFollow(NodeChannels node, IReadOnlyList<Dimension> from, IReadOnlyList<Dimension> grouped)
    {
        if (from.Count < 2 || grouped.Count != from.Count + 1 || node.Peek(0, 1) is not { } channels || grouped[1].Size is not { } groups || grouped[2].Size is not { } size
            || groups * size != channels.Length || OnlyReader(node.Node.Output, "Transpose") is not { } transpose || transpose.GetInts("perm") is not [0, 2, 1, .. var rest]
            || !rest.Select((axis, i) => axis == i + 3).All(same => same) || OnlyReader(transpose.Output, "Reshape") is not { } last || node.ShapeOf(last.Output) is not { } to
            || to.Count != from.Count || to[1].Size != channels.Length)
        {
            return false;
        }

        for (int axis = 2; axis < from.Count; axis++)
        {
            if (from[axis].Size is null || from[axis].Size != grouped[axis + 1].Size || from[axis].Size != to[axis].Size)
            {
                return false;
            }
        }

        int[] order = [.. Enumerable.Range(0, channels.Length).Select(i => (int)(i % groups * size + i / groups))];
        node.Read(0, 1);
        node.Give(last.Output, 1, [.. order.Select(index => channels[index])]);
        node.WhenRemoved(channels, removal =>
        {
            Graph graph = last.Graph;
            Node gather = graph.AddNode("Gather", [node.Node.Input(0), graph.AddInitializer("shuffle", Tensor.Vector(removal.Renumber(channels, order)))], name: last.Name);
            last.Output.ReplaceWith(gather.Set("axis", 1L).Output);
            graph.Remove(last);
        });
        return true;
    }

    private static Node? OnlyReader(Value value, string operation) =>
        !value.IsOutput && value.Uses is [{ Node: { Domain: "" } reader, Index: 0 }] && reader.OpType == operation ? reader : null;
}
