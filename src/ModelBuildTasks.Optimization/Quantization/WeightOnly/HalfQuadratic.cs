using System.Numerics;

namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>
/// Half-quadratic quantization (HQQ; Badri and Shaji, "Half-Quadratic Quantization of Large Machine Learning Models", 2023): a fit that outliers do not
/// pull. It lowers Σ|w − ŵ|^p with p below 1 by turns: e ← the part of w − ŵ that counts as an outlier (generalized soft thresholding), then scale
/// and zero point ← the least squares fit to w − e. The paper moves real zero points only; the kernels want whole ones, so the scale moves as well.
/// </summary>
internal sealed class HalfQuadratic : IBlockScaling
{
    /// <summary>The paper's settings: the exponent p, the first threshold's inverse, and its growth by turn.</summary>
    private const float Exponent = 0.7f;
    private const float FirstSharpness = 10;
    private const float Growth = 1.01f;
    private const int Turns = 20;

    public string Name => "half-quadratic quantization";

    public BlockScale Fit(ReadOnlySpan<Vector<float>> weights, ReadOnlySpan<float> importance, BlockFormat format)
    {
        BlockScale current = new RoundToNearest().Fit(weights, importance, format);
        // The thresholds are meant for weights around 1; measured in steps of a code they fit any.
        Vector<float> unit = Vector.Abs(current.Scale);
        BlockScale best = current;
        Vector<float> leastError = AbsoluteError(best, weights, importance, format);
        float sharpness = FirstSharpness;
        Vector<int> isOpen = Vector<int>.AllBitsSet;
        for (int turn = 0; turn < Turns; turn++, sharpness *= Growth)
        {
            current = Refit(current, weights, importance, format, unit, sharpness);
            Vector<float> error = AbsoluteError(current, weights, importance, format);
            // As in the paper, the first turn that does not help is the last, for each output on its own.
            isOpen &= Vector.LessThan(error, leastError);
            if (Vector.EqualsAll(isOpen, Vector<int>.Zero))
            {
                break;
            }

            best = BlockScale.Select(isOpen, current, best);
            leastError = Vector.ConditionalSelect(isOpen, error, leastError);
        }

        return best;
    }

    /// <summary>Least squares of w − e against the codes: s = Σv·(q − q̄)·(t − t̄) / Σv·(q − q̄)², z = q̄ − t̄/s rounded, then s once more for that z.</summary>
    private static BlockScale Refit(
        BlockScale scale, ReadOnlySpan<Vector<float>> weights, ReadOnlySpan<float> importance, BlockFormat format, Vector<float> unit, float sharpness)
    {
        Vector<float> count = Vector<float>.Zero, codes = Vector<float>.Zero, targets = Vector<float>.Zero, squares = Vector<float>.Zero, products = Vector<float>.Zero;
        for (int i = 0; i < weights.Length; i++)
        {
            Vector<float> importanceOfAll = new(importance[i]);
            Vector<float> code = scale.Code(weights[i], format);
            Vector<float> target = weights[i] - Outlier((weights[i] - scale.Weight(code)) / unit, sharpness) * unit;
            count += importanceOfAll;
            codes += importanceOfAll * code;
            targets += importanceOfAll * target;
            squares += importanceOfAll * code * code;
            products += importanceOfAll * code * target;
        }

        Vector<float> zeroPoint = scale.ZeroPoint;
        if (!format.IsSymmetric)
        {
            Vector<float> slope = (count * products - codes * targets) / (count * squares - codes * codes);
            Vector<float> shifted = Vector.Round((codes - targets / slope) / count);
            Vector<int> isCode = Vector.GreaterThanOrEqual(shifted, Vector<float>.Zero) & Vector.LessThanOrEqual(shifted, new Vector<float>(format.LargestCode));
            zeroPoint = Vector.ConditionalSelect(isCode, shifted, zeroPoint);
        }

        // Σv·(t)(q − z) and Σv·(q − z)², expanded in the sums above.
        Vector<float> fitted = (products - zeroPoint * targets) / (squares - zeroPoint * (codes + codes - zeroPoint * count));
        Vector<int> isUsable = Vector.Equals(BlockScale.Usable(fitted), fitted);
        return new BlockScale(Vector.ConditionalSelect(isUsable, fitted, scale.Scale), zeroPoint);
    }

    /// <summary>Generalized soft thresholding: sign(e)·max(0, |e| − |e|^(p−1)/β).</summary>
    private static Vector<float> Outlier(Vector<float> error, float sharpness)
    {
        Vector<float> magnitude = Vector.Max(Vector.Abs(error), new Vector<float>(float.Epsilon * (1 << 23)));
        Vector<float> threshold = Vector.Exp(Vector.Log(magnitude) * (Exponent - 1)) / new Vector<float>(sharpness);
        return Vector.CopySign(Vector.Max(magnitude - threshold, Vector<float>.Zero), error);
    }

    private static Vector<float> AbsoluteError(BlockScale scale, ReadOnlySpan<Vector<float>> weights, ReadOnlySpan<float> importance, BlockFormat format)
    {
        Vector<float> sum = Vector<float>.Zero;
        for (int i = 0; i < weights.Length; i++)
        {
            sum += new Vector<float>(importance[i]) * Vector.Abs(weights[i] - scale.Weight(scale.Code(weights[i], format)));
        }

        return sum;
    }
}
