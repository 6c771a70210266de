using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Pruning.Structured.Coupling;

/// <summary>Operators that compute each element from those in the same place: the channels of all operands are the same ones (ONNX docs/Broadcasting.md).</summary>
internal static class Broadcasts
{
    /// <summary>One operand; limits, ratios and the like are scalars beside it.</summary>
    internal static void Pointwise(NodeChannels node)
    {
        for (int axis = 0; axis < (node.Shape(0)?.Count ?? 0); axis++)
        {
            node.Pass(axis, axis);
        }
    }

    internal static void Elementwise(NodeChannels node)
    {
        int[] operands = [.. Enumerable.Range(0, node.Node.Inputs.Count)];
        if (operands.All(operand => node.Shape(operand) is not null))
        {
            Align(node, operands, operands.Max(operand => node.Shape(operand)!.Count), trailing: 0);
        }
    }

    /// <summary>Joins the channels of operands whose axes are aligned at the end; the last <paramref name="trailing"/> axes mean something else.</summary>
    internal static void Align(NodeChannels node, int[] operands, int rank, int trailing)
    {
        for (int axis = 0; axis < rank - trailing; axis++)
        {
            (int Operand, int Axis)[] aligned = [.. operands.Select(operand => (operand, axis - rank + node.Shape(operand)!.Count)).Where(place => place.Item2 >= 0)];
            (int Operand, int Axis)[] labelled = [.. aligned.Where(place => node.Constant(place.Operand) is null && node.Peek(place.Operand, place.Axis) is not null)];
            if (labelled.Length == 0)
            {
                continue;
            }

            int[] channels = labelled.Select(place => node.Peek(place.Operand, place.Axis)!).MaxBy(found => found.Length)!;
            foreach ((int operand, int own) in aligned)
            {
                Join(node, operand, own, channels);
            }

            node.Give(0, axis, channels);
        }
    }

    private static void Join(NodeChannels node, int operand, int axis, int[] channels)
    {
        long? size = node.Shape(operand)![axis].Size;
        if (size == 1 && channels.Length > 1)
        {
            // The same number for every channel. Where it is a channel of its own, not reading it keeps it.
            return;
        }

        if (size == channels.Length && node.Constant(operand) is { } constant && constant.ElementType.BitsPerElement() >= 8)
        {
            node.Weight(operand, axis, channels);
        }
        else if (node.Peek(operand, axis) is { } own && own.Length == channels.Length)
        {
            node.Join(node.Read(operand, axis)!, channels);
        }
        else
        {
            node.Keep(channels, $"{DependencyGraph.Describe(node.Node)} combines them with '{node.Node.Input(operand)!.Name}', which does not have these channels");
        }
    }
}
