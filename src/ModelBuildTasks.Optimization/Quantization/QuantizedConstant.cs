using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>QuantizeLinear of a constant, done while building: q = round(x/scale) + zero point, ties to even, saturated.</summary>
internal static class QuantizedConstant
{
    internal static Tensor From(Tensor constant, QuantizationParameters parameters)
    {
        ReadOnlySpan<float> source = constant.Span<float>();
        bool signed = parameters.Type == ElementType.Int8;
        byte[] codes = new byte[source.Length];
        for (int i = 0; i < codes.Length; i++)
        {
            float code = MathF.Round(source[i] / parameters.Scale, MidpointRounding.ToEven) + parameters.ZeroPoint;
            codes[i] = signed ? unchecked((byte)(sbyte)Math.Clamp(code, sbyte.MinValue, sbyte.MaxValue)) : (byte)Math.Clamp(code, byte.MinValue, byte.MaxValue);
        }

        return Tensor.FromBytes(parameters.Type, [.. constant.Dimensions], codes);
    }
}
