using ModelBuildTasks.Optimization.LeastSquares;

namespace ModelBuildTasks.Optimization.Quantization.Rounding;

/// <summary>
/// What one group of a layer reads: the second moments of rows [1, x̃], with x̃ the integers that stand for what the float model gives there, and the mean of
/// what they lack to it. They hold all that the least squares of the layer need.
/// </summary>
internal sealed class LayerMoments(int inputs)
{
    /// <summary>The share of the inputs' mean moment that is added to each, as in GPTQ.</summary>
    private const float Damping = 0.01f;

    private readonly float[] sums = new float[(1 + inputs) * (1 + inputs)];
    private readonly double[] lacking = new double[inputs];

    /// <summary>The memory that the moments of so many inputs take.</summary>
    internal static long BytesOf(long inputs) => (1 + inputs) * (1 + inputs) * sizeof(float);

    /// <summary>Numbers in a row.</summary>
    internal int Width => 1 + inputs;

    /// <summary>Rows seen so far.</summary>
    internal int Rows { get; private set; }

    /// <param name="rows">Rows [1, x̃]; calls must come in the same order each time, in which sums are rounded.</param>
    internal void Add(ReadOnlyMemory<float> rows, CancellationToken cancellation)
    {
        OuterProducts.Add(sums, Width, 0, rows, sign: 1, cancellation);
        Rows += rows.Length / Width;
    }

    /// <summary>Adds what one row lacks: x − x̃.</summary>
    internal void AddLacking(ReadOnlySpan<float> x, ReadOnlySpan<float> rounded)
    {
        for (int i = 0; i < inputs; i++)
        {
            lacking[i] += x[i] - rounded[i];
        }
    }

    /// <summary>Σ zᵢ·zⱼ of rows z, i ≤ j.</summary>
    internal float this[int i, int j] => sums[i * Width + j];

    /// <summary>What the result lacks on average because of the rounded inputs: the mean of w·(x − x̃).</summary>
    /// <param name="weights">Those of one output.</param>
    internal float MeanLacking(ReadOnlySpan<float> weights)
    {
        double sum = 0;
        for (int i = 0; i < inputs; i++)
        {
            sum += weights[i] * lacking[i];
        }

        return (float)(sum / Math.Max(1, Rows));
    }

    /// <summary>
    /// U of Σ [1, x̃]ᵀ[1, x̃] + damping = UᵀU, [1 + inputs, 1 + inputs] by rows. The damping holds weights near their own where the samples say little of them.
    /// </summary>
    /// <returns>Null where the inputs were always zero, or the matrix is not positive definite in single precision.</returns>
    internal float[]? Factor(CancellationToken cancellation)
    {
        double trace = 0;
        for (int i = 1; i <= inputs; i++)
        {
            trace += this[i, i];
        }

        float mean = (float)(trace / inputs);
        if (!(mean > 0) || !float.IsFinite(mean))
        {
            return null;
        }

        int size = 1 + inputs;
        float[] factor = new float[size * size];
        for (int i = 0; i < size; i++)
        {
            sums.AsSpan(i * Width + i, size - i).CopyTo(factor.AsSpan(i * size + i));
            factor[i * size + i] += i == 0 ? 0 : Damping * mean;
        }

        // A layer without a bias has rows that begin with 0.
        factor[0] = factor[0] > 0 ? factor[0] : mean;
        return Cholesky.TryFactor(factor, size, cancellation) ? factor : null;
    }
}
