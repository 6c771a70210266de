namespace ModelBuildTasks.Optimization.Quantization.Calibration;

/// <summary>The closed interval in which the numbers of a tensor lie.</summary>
internal readonly record struct ValueRange(float Lowest, float Highest)
{
    internal float Width => Highest - Lowest;

    internal ValueRange Including(float number) => new(Math.Min(Lowest, number), Math.Max(Highest, number));

    internal ValueRange Including(ValueRange other) => new(Math.Min(Lowest, other.Lowest), Math.Max(Highest, other.Highest));
}
