using System.Numerics.Tensors;

namespace ModelBuildTasks.Optimization.Quantization.Rounding;

/// <summary>
/// The scale of an output's weights that costs least in weighted squared error when each is rounded to the nearest code: a range somewhat narrower than the
/// weights cuts the largest one and rounds all others finer. The full range is among the candidates, so that the result is never worse than it.
/// </summary>
internal static class WeightRange
{
    /// <summary>Candidates lie evenly between the full range and this share of it.</summary>
    private const float Narrowest = 0.6f;

    private const int Candidates = 21;

    /// <param name="weights">The weights of one output.</param>
    /// <param name="importance">How much the squared error of each counts.</param>
    /// <param name="largestCode">Codes reach ±this.</param>
    /// <returns>The scale; that of the full range where all weights are zero.</returns>
    internal static float Find(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, int largestCode)
    {
        float full = Math.Abs(TensorPrimitives.MaxMagnitude(weights)) / largestCode;
        float best = full;
        double leastError = double.PositiveInfinity;
        for (int i = 0; i < Candidates && full > 0; i++)
        {
            float scale = full * (1 - (1 - Narrowest) * i / (Candidates - 1));
            double error = Error(weights, importance, scale, largestCode);
            if (error < leastError)
            {
                (best, leastError) = (scale, error);
            }
        }

        return best;
    }

    /// <summary>Σ importance·(w − ŵ)².</summary>
    internal static double Error(ReadOnlySpan<float> weights, ReadOnlySpan<float> importance, float scale, int largestCode)
    {
        double sum = 0;
        for (int i = 0; i < weights.Length; i++)
        {
            float code = Math.Clamp(MathF.Round(weights[i] / scale, MidpointRounding.ToEven), -largestCode, largestCode);
            double error = weights[i] - (double)code * scale;
            sum += importance[i] * error * error;
        }

        return sum;
    }
}
