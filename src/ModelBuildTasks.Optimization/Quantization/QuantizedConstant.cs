using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>QuantizeLinear of a constant, done while building.</summary>
internal static class QuantizedConstant
{
    internal static Tensor From(Tensor constant, QuantizationParameters parameters)
    {
        ReadOnlySpan<float> source = constant.Span<float>();
        byte[] codes = new byte[source.Length];
        for (int i = 0; i < codes.Length; i++)
        {
            codes[i] = unchecked((byte)parameters.CodeOf(source[i]));
        }

        return Tensor.FromBytes(parameters.Type, [.. constant.Dimensions], codes);
    }
}
