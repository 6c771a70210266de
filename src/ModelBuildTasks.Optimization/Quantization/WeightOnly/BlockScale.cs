using System.Numerics;

namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>
/// The scale and the zero point of one block, for as many outputs at once as a vector has lanes: w ≈ Scale·(code − ZeroPoint).
/// Every lane is computed for itself, so that results do not depend on the processor's vector width.
/// </summary>
internal readonly record struct BlockScale(Vector<float> Scale, Vector<float> ZeroPoint)
{
    /// <summary>The code, a whole number: the nearest one, ties to the even, or with binary codes that of the sign.</summary>
    internal Vector<float> Code(Vector<float> weight, BlockFormat format) =>
        format.IsBinary
            ? ZeroPoint + Vector.CopySign(Vector<float>.One, weight)
            : Vector.Min(Vector.Max(Vector.Round(weight / Scale) + ZeroPoint, Vector<float>.Zero), new Vector<float>(format.LargestCode));

    internal Vector<float> Weight(Vector<float> code) => Scale * (code - ZeroPoint);

    /// <summary>The error of each lane, Σ importance·(w − ŵ)², with the nearest codes.</summary>
    internal Vector<float> Error(ReadOnlySpan<Vector<float>> weights, ReadOnlySpan<float> importance, BlockFormat format)
    {
        Vector<float> sum = Vector<float>.Zero;
        for (int i = 0; i < weights.Length; i++)
        {
            Vector<float> difference = weights[i] - Weight(Code(weights[i], format));
            sum += new Vector<float>(importance[i]) * difference * difference;
        }

        return sum;
    }

    /// <summary>The lanes of <paramref name="first"/> where <paramref name="takesFirst"/> is set, those of <paramref name="second"/> elsewhere.</summary>
    internal static BlockScale Select(Vector<int> takesFirst, BlockScale first, BlockScale second) => new(
        Vector.ConditionalSelect(takesFirst, first.Scale, second.Scale), Vector.ConditionalSelect(takesFirst, first.ZeroPoint, second.ZeroPoint));

    /// <summary>
    /// A scale by which numbers can be divided: where the one given is too small or not finite, the smallest. A larger
    /// one would give zeros as well, but kernels subtract Σ x·ZeroPoint·Scale from Σ x·code·Scale in single precision, and what rounding leaves of that grows with the scale.
    /// </summary>
    internal static Vector<float> Usable(Vector<float> scale)
    {
        Vector<float> magnitude = Vector.Abs(scale);
        Vector<float> smallest = new(QuantizationParameters.SmallestScale);
        Vector<int> usable = Vector.GreaterThanOrEqual(magnitude, smallest) & Vector.LessThanOrEqual(magnitude, new Vector<float>(float.MaxValue));
        return Vector.ConditionalSelect(usable, scale, smallest);
    }
}

/// <summary>Chooses the scale and the zero point of a block.</summary>
internal interface IBlockScaling
{
    /// <summary>The algorithm's name, as reports show it.</summary>
    string Name { get; }

    /// <summary>Fits one block for as many outputs as a vector has lanes.</summary>
    /// <param name="weights">The block's weights, input by input.</param>
    /// <param name="importance">How much an error of each input counts, at least 0.</param>
    /// <param name="format">The codes' form.</param>
    BlockScale Fit(ReadOnlySpan<Vector<float>> weights, ReadOnlySpan<float> importance, BlockFormat format);
}
