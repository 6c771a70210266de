using System.Numerics.Tensors;

namespace ModelBuildTasks.Optimization.Quantization.Calibration;

/// <summary>The closed interval in which the numbers of a tensor lie.</summary>
internal readonly record struct ValueRange(float Lowest, float Highest)
{
    internal float Width => Highest - Lowest;

    internal bool IsFinite => float.IsFinite(Lowest) && float.IsFinite(Highest);

    /// <summary>The range of at least one number; NaN at both ends where there is a NaN among them.</summary>
    internal static ValueRange Of(ReadOnlySpan<float> values) => new(TensorPrimitives.Min(values), TensorPrimitives.Max(values));

    internal ValueRange Including(float number) => new(Math.Min(Lowest, number), Math.Max(Highest, number));

    internal ValueRange Including(ValueRange other) => new(Math.Min(Lowest, other.Lowest), Math.Max(Highest, other.Highest));
}
