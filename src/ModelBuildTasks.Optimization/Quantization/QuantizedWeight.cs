using System.Numerics.Tensors;
using ModelBuildTasks.Onnx;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// Weights as signed integers with zero point 0 and one scale for each output channel: w ≈ q·Scales[channel].
/// </summary>
/// <param name="Codes">Int8, of the weight's dimensions.</param>
/// <param name="Scales">Float [channels].</param>
/// <param name="Axis">The channels' axis in <paramref name="Codes"/>.</param>
internal sealed record QuantizedWeight(Tensor Codes, float[] Scales, int Axis)
{
    /// <summary>Symmetric 8-bit codes reach ±127.</summary>
    private const int LargestCode8 = 127;

    /// <summary>
    /// With 7 bits, codes reach ±64: two products of 255·64 still fit the 16 bits in which processors without VNNI add them
    /// (VPMADDUBSW), and ONNX Runtime treats larger ones as liable to overflow (s8_to_u8.h).
    /// </summary>
    private const int LargestCode7 = 64;

    /// <summary>The bias that makes up for what rounding changed; null where that is not known.</summary>
    internal Tensor? Bias { get; init; }

    /// <summary>The largest code of 2 to 8 bits; the smallest is its negative.</summary>
    internal static int LargestCode(int bits) => bits switch { 8 => LargestCode8, 7 => LargestCode7, _ => (1 << (bits - 1)) - 1 };

    /// <summary>Rounds each weight of a layer to the nearest code: a <see cref="WeightRounding"/>.</summary>
    internal static QuantizedWeight Nearest(Layer layer, int bits, float[]? smallestScales) => From(layer.Weight, layer.ChannelAxis, bits, smallestScales);

    /// <summary>Quantizes to the nearest code.</summary>
    /// <param name="bits">2 to 8.</param>
    /// <param name="smallestScales">A lower limit for each channel's scale; null for none.</param>
    internal static QuantizedWeight From(Tensor weight, int axis, int bits, ReadOnlySpan<float> smallestScales = default)
    {
        int largestCode = LargestCode(bits);
        float[] scales = Reaches(weight, axis);
        for (int channel = 0; channel < scales.Length; channel++)
        {
            float floor = smallestScales.IsEmpty ? 0 : smallestScales[channel];
            // A channel of zeros has any scale but zero.
            scales[channel] = scales[channel] == 0 && floor == 0 ? 1f / largestCode : QuantizationParameters.AtLeastSmallest(Math.Max(scales[channel] / largestCode, floor));
        }

        ReadOnlySpan<float> source = weight.Span<float>();
        int inner = Inner(weight, axis);
        sbyte[] codes = new sbyte[source.Length];
        for (int i = 0; i < codes.Length; i++)
        {
            float code = MathF.Round(source[i] / scales[i / inner % scales.Length], MidpointRounding.ToEven);
            codes[i] = (sbyte)Math.Clamp(code, -largestCode, largestCode);
        }

        return new QuantizedWeight(Tensor.Create([.. weight.Dimensions], codes), scales, axis);
    }

    /// <summary>The largest magnitude of each channel.</summary>
    internal static float[] Reaches(Tensor weight, int axis)
    {
        ReadOnlySpan<float> source = weight.Span<float>();
        int inner = Inner(weight, axis);
        float[] reaches = new float[weight.Dimensions[axis]];
        for (int at = 0, channel = 0; at < source.Length; at += inner, channel = (channel + 1) % reaches.Length)
        {
            reaches[channel] = Math.Max(reaches[channel], Math.Abs(TensorPrimitives.MaxMagnitude(source.Slice(at, inner))));
        }

        return reaches;
    }

    /// <summary>Numbers of one channel that lie side by side.</summary>
    internal static int Inner(Tensor weight, int axis) => (int)weight.Dimensions.Skip(axis + 1).Aggregate(1L, (product, size) => product * size);
}
