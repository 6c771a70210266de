using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>How real numbers become 8-bit integers: q = round(x / <paramref name="Scale"/>) + <paramref name="ZeroPoint"/>, saturated to the type's range.</summary>
internal sealed record QuantizationParameters(float Scale, int ZeroPoint, ElementType Type)
{
    private const int UnsignedLevels = 255;
    private const int LargestSigned = 127;

    /// <summary>
    /// Parameters that represent every number of [<paramref name="min"/>, <paramref name="max"/>] and 0 exactly: padding and
    /// Relu need a true zero.
    /// </summary>
    internal static QuantizationParameters For(float min, float max, ElementType type, bool symmetric)
    {
        min = Math.Min(min, 0);
        max = Math.Max(max, 0);
        if (symmetric)
        {
            float magnitude = Math.Max(-min, max);
            return new QuantizationParameters(SafeScale(magnitude / LargestSigned), 0, type);
        }

        float scale = SafeScale((max - min) / UnsignedLevels);
        int lowest = type == ElementType.Int8 ? -LargestSigned - 1 : 0;
        int zeroPoint = lowest + (int)Math.Clamp(MathF.Round(-min / scale), 0, UnsignedLevels);
        return new QuantizationParameters(scale, zeroPoint, type);
    }

    /// <summary>A tensor that is always 0 has no range; any scale represents it. Subnormal scales lose their precision.</summary>
    internal static float SafeScale(float scale) => scale < 1.17549435e-38f || !float.IsFinite(scale) ? 1 : scale;
}
