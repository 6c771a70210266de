using System.Numerics;

namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>
/// Tries ranges around that of the block. For the codes q of each, the scale that leaves the least Σ v·(w − s·(q − z))², with v the importance,
/// is s = Σ v·w·(q − z) / Σ v·(q − z)², and what it leaves is Σ v·w² − s·Σ v·w·(q − z). The least of all is kept, so that the error is never
/// above that of rounding in the whole range, which is among them. (The idea of llama.cpp's k-quants, with whole zero points.)
/// </summary>
internal sealed class ScaleSearch : IBlockScaling
{
    /// <summary>
    /// Steps of a code by which the range tried is narrower or wider than the block's. Narrower ranges clip the largest weights, which pays
    /// with few codes; wider ones only shift where weights fall between codes.
    /// </summary>
    private const float Widest = -0.9f;
    private const float Narrowest = 1.5f;
    private const int Candidates = 17;

    public string Name => "scale search";

    public BlockScale Fit(ReadOnlySpan<Vector<float>> weights, ReadOnlySpan<float> importance, BlockFormat format)
    {
        (Vector<float> lowest, Vector<float> highest) = RoundToNearest.Range(weights);
        BlockScale best = RoundToNearest.Covering(lowest, highest, format, Vector<float>.Zero);
        Vector<float> leastError = best.Error(weights, importance, format);
        for (int i = 0; i < Candidates; i++)
        {
            Vector<float> slack = new(Widest + (Narrowest - Widest) * i / (Candidates - 1));
            BlockScale covering = RoundToNearest.Covering(lowest, highest, format, slack);
            BlockScale candidate = LeastSquares(covering, weights, importance, format);
            Vector<float> error = candidate.Error(weights, importance, format);
            Vector<int> isBetter = Vector.LessThan(error, leastError);
            best = BlockScale.Select(isBetter, candidate, best);
            leastError = Vector.ConditionalSelect(isBetter, error, leastError);
        }

        return best;
    }

    /// <summary>The best scale for the codes that <paramref name="scale"/> gives, the zero point kept.</summary>
    internal static BlockScale LeastSquares(BlockScale scale, ReadOnlySpan<Vector<float>> weights, ReadOnlySpan<float> importance, BlockFormat format)
    {
        Vector<float> products = Vector<float>.Zero;
        Vector<float> squares = Vector<float>.Zero;
        for (int i = 0; i < weights.Length; i++)
        {
            Vector<float> step = scale.Code(weights[i], format) - scale.ZeroPoint;
            Vector<float> weighted = new Vector<float>(importance[i]) * step;
            products += weighted * weights[i];
            squares += weighted * step;
        }

        Vector<float> fitted = products / squares;
        Vector<int> isUsable = Vector.Equals(BlockScale.Usable(fitted), fitted);
        return scale with { Scale = Vector.ConditionalSelect(isUsable, fitted, scale.Scale) };
    }
}
