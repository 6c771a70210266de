using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// The Relu or Clip behind a product of integers whose result is read in float. ONNX Runtime takes such a clamp for part of the product, which must then give
/// integers; where nothing quantizes the clamp's result, no integer kernel fits, and the weights are dequantized at every run: networks of such layers took 3 to
/// 9 times as long. Max and Min compute the same and are left alone.
/// </summary>
/// <remarks>ONNX Runtime 1.31, core/optimizer/qdq_transformer/selectors_actions/qdq_selectors.cc.</remarks>
internal static class FloatClamp
{
    /// <param name="clamp">A Relu, or a Clip between zero and <see cref="QuantizableOperators.ClampBound"/>.</param>
    internal static void KeepApart(Node clamp)
    {
        Graph graph = clamp.Graph;
        float bound = QuantizableOperators.ClampBound(clamp)!.Value;
        Value clamped = graph.AddNode("Max", [clamp.Inputs[0], graph.AddInitializer(clamp.Output.Name + "_lowest", Tensor.Scalar(0f))], name: clamp.Output.Name + "_clamp").Output;
        if (float.IsFinite(bound))
        {
            clamped = graph.AddNode("Min", [clamped, graph.AddInitializer(clamp.Output.Name + "_highest", Tensor.Scalar(bound))], name: clamp.Output.Name + "_bounded").Output;
        }

        clamp.Output.ReplaceWith(clamped);
        graph.Remove(clamp);
    }
}
