using System.Numerics.Tensors;

namespace ModelBuildTasks.Optimization.Quantization.Calibration;

/// <summary>Covers every value that was seen. It keeps two numbers, so that memory does not grow with the samples.</summary>
internal sealed class MinMaxObserver : IRangeObserver
{
    private readonly Lock gate = new();
    private ValueRange? seen;

    public ValueRange Range => seen ?? default;

    public void Observe(ReadOnlySpan<float> values)
    {
        if (values.IsEmpty)
        {
            return;
        }

        // Both propagate NaN, which the calibrator reports.
        ValueRange range = new(TensorPrimitives.Min(values), TensorPrimitives.Max(values));
        lock (gate)
        {
            seen = seen?.Including(range) ?? range;
        }
    }
}
