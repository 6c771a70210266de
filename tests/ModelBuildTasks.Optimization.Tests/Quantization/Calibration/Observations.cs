using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization.Calibration;

/// <summary>Numbers to observe, and what their quantization loses.</summary>
internal static class Observations
{
    /// <summary>Numbers of a bell curve of deviation 1, behind a Relu where asked.</summary>
    internal static float[] Bell(int count, int seed = 1, bool positive = false)
    {
        Random random = new(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            double radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            float value = (float)(radius * Math.Cos(2 * Math.PI * random.NextDouble()));
            values[i] = positive ? Math.Max(0, value) : value;
        }

        return values;
    }

    internal static ValueRange RangeOf(IRangeObserver observer, params IEnumerable<float[]> samples)
    {
        foreach (float[] sample in samples)
        {
            observer.Observe(sample);
        }

        return observer.Range;
    }

    /// <summary>Σ(x − x̃)² when each number is rounded to its nearest code.</summary>
    internal static double SquaredError(float[] values, ValueRange range, TargetProfile target)
    {
        QuantizationParameters parameters = QuantizationParameters.ForActivations(range, target);
        (int lowest, int highest) = parameters.Type == Onnx.ElementType.Int8 ? (-128, 127) : (0, 255);
        return values.Sum(value =>
        {
            double code = Math.Clamp(Math.Round(value / (double)parameters.Scale) + parameters.ZeroPoint, lowest, highest);
            double error = value - (code - parameters.ZeroPoint) * parameters.Scale;
            return error * error;
        });
    }
}
