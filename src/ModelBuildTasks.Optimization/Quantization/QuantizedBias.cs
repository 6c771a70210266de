using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// A bias in the unit of the integer accumulator: int32 with zero point 0 and scale[channel] = input scale · weight scale[channel],
/// which is what QLinearConv and QGemm add without converting.
/// </summary>
internal sealed record QuantizedBias(Tensor Codes, float[] Scales)
{
    /// <summary>Half the range of int32: the other half is left to the products that the bias is added to.</summary>
    private const float LargestCode = 1 << 30;

    internal static QuantizedBias From(Tensor bias, float inputScale, ReadOnlySpan<float> weightScales)
    {
        ReadOnlySpan<float> source = bias.Span<float>();
        float[] scales = new float[source.Length];
        int[] codes = new int[source.Length];
        for (int i = 0; i < codes.Length; i++)
        {
            scales[i] = inputScale * weightScales[i];
            codes[i] = (int)Math.Clamp(Math.Round(source[i] / (double)scales[i], MidpointRounding.ToEven), -LargestCode, LargestCode);
        }

        return new QuantizedBias(Tensor.Vector(codes), scales);
    }

    /// <summary>
    /// The weight scales below which the bias would not fit: a channel of tiny weights with an ordinary bias needs a coarser
    /// scale, which costs nothing, as such weights hardly count beside their bias.
    /// </summary>
    internal static float[] SmallestWeightScales(Tensor bias, float inputScale) =>
        Array.ConvertAll(bias.ToSingles(), b => Math.Abs(b) / LargestCode / inputScale);
}
