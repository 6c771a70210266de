using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ModelBuildTasks.Optimization.Quantization.Calibration;

/// <summary>Sums that are the same to the last bit wherever the numbers lie in memory and on whatever processor: always in the same lanes, in double precision.</summary>
internal static class StableSum
{
    /// <summary>Σ x.</summary>
    internal static double Of(ReadOnlySpan<float> numbers) => Sum(numbers, squared: false);

    /// <summary>Σ x².</summary>
    internal static double OfSquares(ReadOnlySpan<float> numbers) => Sum(numbers, squared: true);

    private static double Sum(ReadOnlySpan<float> numbers, bool squared)
    {
        Vector256<double> low = default, high = default;
        ReadOnlySpan<Vector256<float>> vectors = MemoryMarshal.Cast<float, Vector256<float>>(numbers);
        foreach (Vector256<float> vector in vectors)
        {
            (Vector256<double> first, Vector256<double> second) = Vector256.Widen(vector);
            low += squared ? first * first : first;
            high += squared ? second * second : second;
        }

        double sum = Vector256.Sum(low + high);
        foreach (float number in numbers[(vectors.Length * Vector256<float>.Count)..])
        {
            sum += squared ? (double)number * number : number;
        }

        return sum;
    }
}
