using System.Numerics.Tensors;

namespace ModelBuildTasks.Optimization.Quantization.Rounding;

/// <summary>
/// Rounds the weights of an output so that its result errs least over the rows seen, rather than each weight by itself: AdaRound's objective (Nagel et al.,
/// "Up or Down? Adaptive Rounding for Post-Training Quantization", 2020), solved as GPTQ does (Frantar et al., 2022; the form is that of QuIP, Chee et al.,
/// 2023, theorem 6), with one scale for all weights of the output. The bias is the last to be set: it makes up for all the weights at once.
/// </summary>
/// <remarks>
/// With [1, X]ᵀ[1, X] = UᵀU, the output error is Σₖ Uₖₖ²·(wₖ − ŵₖ + Σⱼ﹥ₖ Uₖⱼ/Uₖₖ·(wⱼ − ŵⱼ))². From the last weight to the first, each term is made least by rounding
/// the target wₖ + Σⱼ﹥ₖ Uₖⱼ/Uₖₖ·(wⱼ − ŵⱼ); that of the bias, k = 0, becomes zero.
/// </remarks>
internal sealed class LeastSquaresRounding
{
    private readonly int size;

    /// <summary>Column k of U, each row divided by its diagonal, at [k·size].</summary>
    private readonly float[] columns;

    private readonly float[] diagonal;

    /// <param name="factor">U, [size, size] by rows, upper triangular; row and column 0 are the bias's.</param>
    internal LeastSquaresRounding(float[] factor, int size)
    {
        this.size = size;
        columns = new float[factor.Length];
        diagonal = new float[size];
        for (int row = 0; row < size; row++)
        {
            diagonal[row] = factor[row * size + row];
            for (int column = row; column < size; column++)
            {
                columns[column * size + row] = factor[row * size + column] / diagonal[row];
            }
        }
    }

    /// <summary>How much an error of each weight counts that those before it cannot make up for: Uₖₖ².</summary>
    internal float[] Importance() => [.. diagonal.Skip(1).Select(u => u * u)];

    /// <summary>Rounds the weights of one output.</summary>
    /// <param name="bias">The bias to be had if nothing were rounded.</param>
    /// <param name="weights">The weights to come near to.</param>
    /// <param name="codes">Receives the codes, −<paramref name="largestCode"/> to <paramref name="largestCode"/>.</param>
    /// <returns>The bias that belongs to these codes.</returns>
    internal float Round(float bias, ReadOnlySpan<float> weights, float scale, int largestCode, Span<sbyte> codes)
    {
        float[] feedback = new float[size];
        for (int k = size - 1; k > 0; k--)
        {
            // A weight that pruning has removed stays removed; those before it make up for what it can't.
            float code = weights[k - 1] == 0 ? 0 : Math.Clamp(MathF.Round((weights[k - 1] + feedback[k]) / scale, MidpointRounding.ToEven), -largestCode, largestCode);
            codes[k - 1] = (sbyte)code;
            Span<float> before = feedback.AsSpan(0, k);
            TensorPrimitives.FusedMultiplyAdd(columns.AsSpan(k * size, k), weights[k - 1] - code * scale, before, before);
        }

        return bias + feedback[0];
    }
}
