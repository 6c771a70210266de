using System.Numerics;

namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>
/// Codes that reach over the whole range of a block: scale = (max − min)/(2^bits − 1) with a zero point that keeps 0 exact. Symmetric codes reach
/// one step further below the middle than above, so the weight of largest magnitude takes the lowest code, by a negative scale if it is positive.
/// </summary>
internal sealed class RoundToNearest : IBlockScaling
{
    public string Name => "round-to-nearest";

    public BlockScale Fit(ReadOnlySpan<Vector<float>> weights, ReadOnlySpan<float> importance, BlockFormat format)
    {
        (Vector<float> lowest, Vector<float> highest) = Range(weights);
        return Covering(lowest, highest, format, Vector<float>.Zero);
    }

    /// <summary>The range of each lane, 0 included.</summary>
    internal static (Vector<float> Lowest, Vector<float> Highest) Range(ReadOnlySpan<Vector<float>> weights)
    {
        Vector<float> lowest = Vector<float>.Zero;
        Vector<float> highest = Vector<float>.Zero;
        foreach (Vector<float> weight in weights)
        {
            lowest = Vector.Min(lowest, weight);
            highest = Vector.Max(highest, weight);
        }

        return (lowest, highest);
    }

    /// <summary>The scale whose codes cover a range, and a little more (or, with a negative number, less): by <paramref name="slack"/> steps.</summary>
    internal static BlockScale Covering(Vector<float> lowest, Vector<float> highest, BlockFormat format, Vector<float> slack)
    {
        if (format.IsSymmetric)
        {
            Vector<float> extreme = Vector.ConditionalSelect(Vector.GreaterThan(highest, -lowest), highest, lowest);
            Vector<float> middle = new(format.MiddleCode);
            return new BlockScale(BlockScale.Usable(-extreme / (middle + slack)), middle);
        }

        Vector<float> largest = new(format.LargestCode);
        Vector<float> scale = BlockScale.Usable(highest / (largest + slack) - lowest / (largest + slack));
        return new BlockScale(scale, Vector.Min(Vector.Max(Vector.Round(-lowest / scale), Vector<float>.Zero), largest));
    }
}
