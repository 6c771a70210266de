using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// A layer that stays in float between integers. When ONNX Runtime loads the model, it would quantize such a layer's weights with one scale for the
/// whole tensor, which ruins depthwise convolutions: WeightBiasQuantization takes each Conv, ConvTranspose and Gemm between a
/// DequantizeLinear of one scale and a QuantizeLinear for a layer that was left half done. A scale written out for each channel, the same number again and
/// again, dequantizes to the same floats and says that float is meant.
/// </summary>
/// <remarks>ONNX Runtime 1.31, core/optimizer/qdq_transformer/weight_bias_quantization.cc.</remarks>
internal static class FloatReader
{
    /// <summary>The channels for which the reader's input, [batch, channels, …], needs a scale each; null where one scale for all does no harm.</summary>
    internal static int? Channels(Use use)
    {
        if (use is not { Index: 0, Node.Domain: "" } || use.Node.Input(1)?.Constant is not { ElementType: ElementType.Float } weight)
        {
            return null;
        }

        long? channels = use.Node.OpType switch
        {
            "Conv" => weight.Dimensions[1] * use.Node.GetInt("group", 1),
            "ConvTranspose" => weight.Dimensions[0],
            "Gemm" when use.Node.GetInt("transA", 0) == 0 => weight.Dimensions[use.Node.GetInt("transB", 0) == 0 ? 0 : 1],
            _ => null,
        };
        return channels > 1 ? (int)channels : null;
    }
}
