using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>x ≈ (q − <paramref name="ZeroPoint"/>)·<paramref name="Scale"/>, with q an 8-bit integer of <paramref name="Type"/>.</summary>
internal readonly record struct QuantizationParameters(float Scale, int ZeroPoint, ElementType Type)
{
    /// <summary>A bias has the product of two scales, which must stay a normal single precision number (above 2^-126).</summary>
    internal const float SmallestScale = 1f / (1L << 60);

    /// <summary>The scale of a tensor that is zero everywhere; any would do.</summary>
    private const float ScaleOfZeros = 1f / 255;

    private int LowestCode => Type == ElementType.Int8 ? sbyte.MinValue : byte.MinValue;

    private int HighestCode => Type == ElementType.Int8 ? sbyte.MaxValue : byte.MaxValue;

    /// <summary>The smallest number that has a code of its own.</summary>
    internal float Lowest => (LowestCode - ZeroPoint) * Scale;

    /// <summary>The largest number that has a code of its own.</summary>
    internal float Highest => (HighestCode - ZeroPoint) * Scale;

    /// <summary>Parameters that cover <paramref name="range"/> in the target's activation type. Zero always has an exact code, since padding and Relu produce it.</summary>
    internal static QuantizationParameters ForActivations(ValueRange range, TargetProfile target)
    {
        ElementType type = target.Activations ?? throw new ArgumentException($"'{target.Name}' has no integer activations.", nameof(target));
        ValueRange covering = range.Including(0);
        if (covering.Width == 0)
        {
            return new QuantizationParameters(ScaleOfZeros, type == ElementType.Int8 || target.SymmetricActivations ? 0 : byte.MinValue, type);
        }

        if (target.SymmetricActivations)
        {
            return new QuantizationParameters(AtLeastSmallest(Math.Max(-covering.Lowest, covering.Highest) / sbyte.MaxValue), 0, ElementType.Int8);
        }

        int lowestCode = type == ElementType.Int8 ? sbyte.MinValue : byte.MinValue;
        float scale = AtLeastSmallest((float)(((double)covering.Highest - covering.Lowest) / byte.MaxValue));
        int zeroPoint = Math.Clamp((int)Math.Round(lowestCode - (double)covering.Lowest / scale, MidpointRounding.ToEven), lowestCode, lowestCode + byte.MaxValue);
        return new QuantizationParameters(scale, zeroPoint, type);
    }

    /// <summary>
    /// Whether quantizing does the work of a clamp to [0, <paramref name="upper"/>] that stands before it: the lowest code means zero, and
    /// no code means more than the bound rounded to the scale.
    /// </summary>
    internal bool Clamps(float upper) => ZeroPoint == LowestCode && Highest - Scale / 2 <= upper;

    /// <summary>QuantizeLinear: round(x/scale) + zero point, ties to even, saturated.</summary>
    internal int CodeOf(float value) => (int)Math.Clamp(MathF.Round(value / Scale, MidpointRounding.ToEven) + ZeroPoint, LowestCode, HighestCode);

    /// <summary>The number that the code of <paramref name="value"/> means.</summary>
    internal float Rounded(float value) => (CodeOf(value) - ZeroPoint) * Scale;

    /// <summary>Each number as integers hold it; both may be the same memory.</summary>
    internal void Round(ReadOnlySpan<float> values, Span<float> rounded)
    {
        for (int i = 0; i < values.Length; i++)
        {
            rounded[i] = Rounded(values[i]);
        }
    }

    /// <summary>The zero point as a tensor without dimensions, of the quantized type.</summary>
    internal Tensor ZeroPointTensor() => Type == ElementType.Int8 ? Tensor.Scalar((sbyte)ZeroPoint) : Tensor.Scalar((byte)ZeroPoint);

    internal static float AtLeastSmallest(float scale) => Math.Max(scale, SmallestScale);
}
