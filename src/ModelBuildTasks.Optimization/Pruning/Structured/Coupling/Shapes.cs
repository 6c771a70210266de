using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Pruning.Structured.Coupling;

/// <summary>A Shape whose readers take other sizes than that of the channels knows nothing of them.</summary>
internal static class Shapes
{
    internal static void Shape(NodeChannels node)
    {
        if (node.Shape(0) is not { } shape || node.Node.Has("start") || node.Node.Has("end") || node.Node.Output.IsOutput)
        {
            return;
        }

        HashSet<int> read = [];
        foreach (Use use in node.Node.Output.Uses)
        {
            if (Taken(use, shape.Count) is not { } taken)
            {
                return;
            }

            read.UnionWith(taken);
        }

        for (int axis = 0; axis < shape.Count; axis++)
        {
            if (!read.Contains(axis))
            {
                node.Read(0, axis);
            }
        }
    }

    private static IEnumerable<int>? Taken(Use use, int rank) => use switch
    {
        { Node: { OpType: "Gather", Domain: "" } gather, Index: 0 } => StatedIntegers.Of(gather.Input(1))?.Select(index => (int)(index < 0 ? index + rank : index)),
        { Node: { OpType: "Slice", Domain: "" } slice, Index: 0 } when StatedIntegers.Of(slice, "starts", 1) is [var start] && StatedIntegers.Of(slice, "ends", 2) is [var end]
            && slice.Input(4) is null => Enumerable.Range(0, rank).Where(axis => axis >= (start < 0 ? start + rank : start) && axis < (end < 0 ? end + rank : end)),
        _ => null,
    };
}
