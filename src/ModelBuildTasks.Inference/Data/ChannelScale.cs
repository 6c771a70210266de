using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Data;

/// <summary>x' = (x · scale − mean) / std over one channel of bytes or floats.</summary>
internal readonly record struct ChannelScale(double Scale, double Mean, double Std)
{
    internal void Apply(Tensor source, int start, int step, float[] result, int resultStart, int resultStep, int count)
    {
        if (source.ElementType == ElementType.UInt8)
        {
            Span<float> table = stackalloc float[256];
            for (int value = 0; value < table.Length; value++)
            {
                table[value] = (float)((value * Scale - Mean) / Std);
            }

            ReadOnlySpan<byte> pixels = source.Data.Span;
            for (int i = 0; i < count; i++, start += step, resultStart += resultStep)
            {
                result[resultStart] = table[pixels[start]];
            }

            return;
        }

        ReadOnlySpan<float> values = source.Span<float>();
        for (int i = 0; i < count; i++, start += step, resultStart += resultStep)
        {
            result[resultStart] = (float)((values[start] * Scale - Mean) / Std);
        }
    }
}
