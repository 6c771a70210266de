using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// The bias behind a MatMul of integers that gives floats. When ONNX Runtime loads the model, it makes one Gemm of a MatMul and an Add of [N] before it looks
/// for integers; that Gemm has a bias in float, so that no integer kernel fits it, and its weights are dequantized at every run: a speech model took 2.6 times as
/// long. A bias of [1, N] adds the same and is left alone.
/// </summary>
/// <remarks>ONNX Runtime 1.31, core/optimizer/matmul_add_fusion.cc.</remarks>
internal static class AddedBias
{
    /// <summary>Keeps the runtime from that, wherever the result is added to a vector.</summary>
    /// <param name="product">A MatMul whose result has at least two dimensions: one would get a second from such a bias.</param>
    internal static void KeepApart(Node product)
    {
        foreach (Use use in product.Output.Uses.Where(use => use.Node is { OpType: "Add", Domain: "" }).ToArray())
        {
            if (use.Node.Input(1 - use.Index) is { Constant: { Dimensions.Count: 1 } vector } bias)
            {
                use.Node.SetInput(1 - use.Index, use.Node.Graph.AddInitializer(bias.Name + "_row", vector.WithDimensions(1, vector.Length)));
            }
        }
    }
}
