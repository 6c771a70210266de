using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Pruning.Structured.Coupling;

/// <summary>Products with constant matrices: columns make new channels, rows are summed over. Products of two computed matrices keep what they sum over.</summary>
internal static class Products
{
    internal static void Gemm(NodeChannels node)
    {
        if (node.Constant(1) is not { Dimensions.Count: 2 } || node.Node.GetInt("transA", 0) != 0)
        {
            return;
        }

        int outputAxis = node.Node.GetInt("transB", 0) != 0 ? 0 : 1;
        node.Contract(1, 1 - outputAxis, 0, 1);
        int[] outputs = node.Weight(1, outputAxis);
        node.PerChannel(2, outputs);
        node.Pass(0, 0);
        node.Give(0, 1, outputs);
    }

    internal static void MatMul(NodeChannels node)
    {
        if (node.Shape(0) is not { Count: >= 2 } left || node.Shape(1) is not { Count: >= 2 } right)
        {
            return;
        }

        int rank = Math.Max(left.Count, right.Count);
        if (node.Constant(1) is not null && node.Constant(0) is null)
        {
            node.Contract(1, right.Count - 2, 0, left.Count - 1);
            node.Give(0, rank - 1, node.Weight(1, right.Count - 1));
            node.Give(0, rank - 2, node.Read(0, left.Count - 2));
        }
        else if (node.Constant(0) is not null && node.Constant(1) is null)
        {
            node.Contract(0, left.Count - 1, 1, right.Count - 2);
            node.Give(0, rank - 2, node.Weight(0, left.Count - 2));
            node.Give(0, rank - 1, node.Read(1, right.Count - 1));
        }
        else
        {
            node.Give(0, rank - 2, node.Read(0, left.Count - 2));
            node.Give(0, rank - 1, node.Read(1, right.Count - 1));
        }

        Broadcasts.Align(node, [0, 1], rank, trailing: 2);
    }
}
