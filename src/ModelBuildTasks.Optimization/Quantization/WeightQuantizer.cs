using System.Numerics.Tensors;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>Quantized weights: integers, and one scale for each output channel.</summary>
internal sealed record QuantizedWeights(sbyte[] Values, float[] Scales);

/// <summary>
/// Symmetric signed quantization of a weight, one scale an output channel: s[c] = max|w[c]| / L, q = round(w / s[c]), where L is
/// 127 for 8 bits and 64 for 7 bits (a U8×S8 kernel without VNNI adds two products in 16 bits, and 2·255·64 still fits).
/// </summary>
internal static class WeightQuantizer
{
    private const int LargestEightBit = 127;
    private const int LargestSevenBit = 64;

    /// <param name="weight">Float32 weights.</param>
    /// <param name="axis">The axis of output channels.</param>
    /// <param name="bits">7 or 8.</param>
    /// <param name="smallestScales">Lower bounds of the scales, one a channel, so that a bias at that scale fits 32 bits; or null.</param>
    internal static QuantizedWeights Quantize(Tensor weight, int axis, int bits, ReadOnlySpan<float> smallestScales)
    {
        ReadOnlySpan<float> source = weight.Span<float>();
        int channels = (int)weight.Dimensions[axis];
        int inner = (int)weight.Dimensions.Skip(axis + 1).Aggregate(1L, (product, size) => product * size);
        int outer = source.Length / Math.Max(1, channels * inner);
        float largest = bits == 7 ? LargestSevenBit : LargestEightBit;

        float[] scales = new float[channels];
        for (int i = 0; i < outer; i++)
        {
            for (int channel = 0; channel < channels; channel++)
            {
                ReadOnlySpan<float> run = source.Slice(((i * channels) + channel) * inner, inner);
                scales[channel] = Math.Max(scales[channel], run.IsEmpty ? 0 : MathF.Abs(TensorPrimitives.MaxMagnitude(run)));
            }
        }

        for (int channel = 0; channel < channels; channel++)
        {
            float scale = QuantizationParameters.SafeScale(scales[channel] / largest);
            scales[channel] = smallestScales.IsEmpty ? scale : Math.Max(scale, smallestScales[channel]);
        }

        sbyte[] values = new sbyte[source.Length];
        for (int i = 0; i < outer; i++)
        {
            for (int channel = 0; channel < channels; channel++)
            {
                float scale = scales[channel];
                int start = ((i * channels) + channel) * inner;
                for (int j = start; j < start + inner; j++)
                {
                    // MidpointRounding.ToEven, as QuantizeLinear rounds.
                    values[j] = (sbyte)Math.Clamp(MathF.Round(source[j] / scale), -largest, largest);
                }
            }
        }

        return new QuantizedWeights(values, scales);
    }
}
