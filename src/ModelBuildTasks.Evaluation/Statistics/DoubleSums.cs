using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ModelBuildTasks.Evaluation.Statistics;

/// <summary>
/// Sums of products in double precision, in which a product of single precision numbers is exact. Four running sums on every processor, so that results are the same
/// everywhere. Optimized from the first call on: unoptimized, vectors are slower than plain numbers, and a data set may be through before that changes.
/// </summary>
internal static class DoubleSums
{
    /// <summary>Σ x·y, Σ x² and Σ y² of two rows of equal length in one pass. Finite exactly if every number is, for no square of a float leaves the range of a double.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static (double Dot, double Left, double Right) Products(ReadOnlySpan<float> left, ReadOnlySpan<float> right)
    {
        Vector256<double> dot = default, leftSquares = default, rightSquares = default;
        ReadOnlySpan<Vector128<float>> leftBlocks = MemoryMarshal.Cast<float, Vector128<float>>(left);
        ReadOnlySpan<Vector128<float>> rightBlocks = MemoryMarshal.Cast<float, Vector128<float>>(right);
        for (int i = 0; i < leftBlocks.Length; i++)
        {
            (Vector256<double> x, Vector256<double> y) = (Wide(leftBlocks[i]), Wide(rightBlocks[i]));
            dot += x * y;
            leftSquares += x * x;
            rightSquares += y * y;
        }

        (double dots, double lefts, double rights) = (Vector256.Sum(dot), Vector256.Sum(leftSquares), Vector256.Sum(rightSquares));
        for (int i = leftBlocks.Length * Vector128<float>.Count; i < left.Length; i++)
        {
            (double x, double y) = (left[i], right[i]);
            dots += x * y;
            lefts += x * x;
            rights += y * y;
        }

        return (dots, lefts, rights);
    }

    /// <summary>Σ y² and Σ (x − y)², the signal and the noise of <paramref name="found"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static (double Signal, double Noise) SignalAndNoise(ReadOnlySpan<float> found, ReadOnlySpan<float> expected)
    {
        Vector256<double> signal = default, noise = default;
        ReadOnlySpan<Vector128<float>> foundBlocks = MemoryMarshal.Cast<float, Vector128<float>>(found);
        ReadOnlySpan<Vector128<float>> expectedBlocks = MemoryMarshal.Cast<float, Vector128<float>>(expected);
        for (int i = 0; i < foundBlocks.Length; i++)
        {
            Vector256<double> value = Wide(expectedBlocks[i]);
            Vector256<double> difference = Wide(foundBlocks[i]) - value;
            signal += value * value;
            noise += difference * difference;
        }

        (double signals, double noises) = (Vector256.Sum(signal), Vector256.Sum(noise));
        for (int i = foundBlocks.Length * Vector128<float>.Count; i < found.Length; i++)
        {
            double difference = (double)found[i] - expected[i];
            signals += (double)expected[i] * expected[i];
            noises += difference * difference;
        }

        return (signals, noises);
    }

    /// <summary>Σ weight·value of two rows of equal length.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static double Weighted(ReadOnlySpan<double> values, ReadOnlySpan<int> weights)
    {
        Vector256<double> sum = default;
        ReadOnlySpan<Vector256<double>> blocks = MemoryMarshal.Cast<double, Vector256<double>>(values);
        ReadOnlySpan<Vector128<int>> counts = MemoryMarshal.Cast<int, Vector128<int>>(weights);
        for (int i = 0; i < blocks.Length; i++)
        {
            (Vector128<long> lower, Vector128<long> upper) = Vector128.Widen(counts[i]);
            sum += blocks[i] * Vector256.ConvertToDouble(Vector256.Create(lower, upper));
        }

        double total = Vector256.Sum(sum);
        for (int i = blocks.Length * Vector256<double>.Count; i < values.Length; i++)
        {
            total += weights[i] * values[i];
        }

        return total;
    }

    private static Vector256<double> Wide(Vector128<float> values)
    {
        (Vector128<double> lower, Vector128<double> upper) = Vector128.Widen(values);
        return Vector256.Create(lower, upper);
    }
}
