namespace ModelBuildTasks.Optimization.Quantization.Calibration;

/// <summary>The smallest and the largest number that a value held over all calibration samples.</summary>
internal readonly record struct ActivationRange(float Min, float Max)
{
    /// <summary>The range of a value that was never computed.</summary>
    internal static ActivationRange Empty { get; } = new(float.PositiveInfinity, float.NegativeInfinity);

    internal bool IsEmpty => Min > Max;

    internal ActivationRange Extend(float min, float max) => new(Math.Min(Min, min), Math.Max(Max, max));
}
