using System.Numerics.Tensors;

namespace ModelBuildTasks.Optimization.Quantization.Rounding;

/// <summary>
/// What one group of a layer reads and misses: the second moments ZᵀZ of rows z = [1, x̃, r], with x̃ what the layer reads in the quantized model and
/// r = y − W·x̃ − b what its result lacks to that of the float model, y. They hold all that the least squares of the layer need.
/// </summary>
internal sealed class LayerMoments(int inputs, int outputs)
{
    /// <summary>The share of the inputs' mean moment that is added to each, as in GPTQ.</summary>
    private const float Damping = 0.01f;

    private readonly float[] sums = new float[(1 + inputs + outputs) * (1 + inputs + outputs)];

    /// <summary>Numbers in a row.</summary>
    internal int Width => 1 + inputs + outputs;

    /// <summary>Rows seen so far.</summary>
    internal int Rows { get; private set; }

    /// <summary>Numbers in x̃.</summary>
    internal int Inputs => inputs;

    /// <summary>Numbers in r.</summary>
    internal int Outputs => outputs;

    /// <param name="rows">[rows, <see cref="Width"/>]; calls must come in the same order each time, in which sums are rounded.</param>
    internal void Add(ReadOnlyMemory<float> rows, CancellationToken cancellation)
    {
        OuterProducts.Add(sums, Width, 0, rows, sign: 1, cancellation);
        Rows += rows.Length / Width;
    }

    /// <summary>Σ zᵢ·zⱼ, i ≤ j.</summary>
    internal float this[int i, int j] => sums[i * Width + j];

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
