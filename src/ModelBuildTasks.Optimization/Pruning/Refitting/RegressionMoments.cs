using System.Numerics.Tensors;
using ModelBuildTasks.Optimization.LeastSquares;

namespace ModelBuildTasks.Optimization.Pruning.Refitting;

/// <summary>
/// All that the least squares of one group of a layer need: with rows z = [1, x] of what it reads and y of what it should give, the sums H = Σ zᵀz,
/// G = Σ zᵀy and Σ y². Their size does not depend on the number of samples.
/// </summary>
/// <param name="inputs">Weights of an output.</param>
/// <param name="outputs">Outputs of the group.</param>
internal sealed class RegressionMoments(int inputs, int outputs)
{
    /// <summary>Fewer products than this are summed up sooner than a second thread has started: those of each filter of a depthwise layer, of which there are many.</summary>
    private const long FewestProducts = 1 << 16;

    private readonly float[] products = new float[(1 + inputs) * (1 + inputs)];
    private readonly float[] targets = new float[(1 + inputs) * outputs];
    private readonly double[] energies = new double[outputs];
    private readonly double[] totals = new double[outputs];

    /// <summary>The memory that moments of this size take.</summary>
    internal static long BytesOf(long inputs, long outputs) => sizeof(float) * (1 + inputs) * (1 + inputs + outputs);

    /// <summary>Numbers in a row z: 1, or 0 where the layer has no bias, and the inputs.</summary>
    internal int Width => 1 + inputs;

    internal int Outputs => outputs;

    /// <summary>Rows seen so far.</summary>
    internal long Rows { get; private set; }

    /// <summary>Row <paramref name="i"/> of H, whole once <see cref="Complete"/> was called.</summary>
    internal ReadOnlySpan<float> Products(int i) => products.AsSpan(i * Width, Width);

    /// <summary>The mean of the inputs' second moments, in which ridges are stated.</summary>
    internal float MeanMoment
    {
        get
        {
            double sum = 0;
            for (int i = 1; i < Width; i++)
            {
                sum += products[i * Width + i];
            }

            return (float)(sum / inputs);
        }
    }

    /// <summary>The energy of the results around their means, which a bias gives for nothing: Σ (y − ȳ)² of all outputs.</summary>
    internal double Energy
    {
        get
        {
            double sum = 0;
            for (int output = 0; output < outputs; output++)
            {
                sum += energies[output] - totals[output] * totals[output] / Math.Max(1, Rows);
            }

            return sum;
        }
    }

    /// <summary>Adds rows; calls must come in the same order each time, in which sums are rounded.</summary>
    /// <param name="z">[rows, 1 + inputs].</param>
    /// <param name="y">[rows, outputs].</param>
    internal void Add(ReadOnlyMemory<float> z, ReadOnlyMemory<float> y, CancellationToken cancellation)
    {
        OuterProducts.Add(products, Width, 0, z, sign: 1, cancellation);
        int rows = z.Length / Width;
        if ((long)z.Length * outputs < FewestProducts)
        {
            for (int i = 0; i < Width; i++)
            {
                AddTargets(i);
            }
        }
        else
        {
            Parallel.For(0, Width, Options(cancellation), AddTargets);
        }

        for (int at = 0; at < y.Length; at++)
        {
            double value = y.Span[at];
            energies[at % outputs] += value * value;
            totals[at % outputs] += value;
        }

        Rows += rows;

        void AddTargets(int i)
        {
            Span<float> sums = targets.AsSpan(i * outputs, outputs);
            for (int row = 0; row < rows; row++)
            {
                TensorPrimitives.FusedMultiplyAdd(y.Span.Slice(row * outputs, outputs), z.Span[row * Width + i], sums, sums);
            }
        }
    }

    /// <summary>Adds the rows of others.</summary>
    internal void Add(RegressionMoments others)
    {
        TensorPrimitives.Add(products, others.products, products);
        TensorPrimitives.Add(targets, others.targets, targets);
        TensorPrimitives.Add(energies, others.energies, energies);
        TensorPrimitives.Add(totals, others.totals, totals);
        Rows += others.Rows;
    }

    /// <summary>Makes H whole: sums are kept above the diagonal only.</summary>
    internal void Complete()
    {
        for (int i = 0; i < Width; i++)
        {
            for (int j = i + 1; j < Width; j++)
            {
                products[j * Width + i] = products[i * Width + j];
            }
        }
    }

    /// <summary>−½ of the slope of an output's squared error at these weights: G − H·w.</summary>
    /// <param name="weights">[1 + inputs], the bias first.</param>
    internal void Residual(ReadOnlySpan<float> weights, int output, Span<float> residual)
    {
        for (int i = 0; i < Width; i++)
        {
            residual[i] = targets[i * outputs + output] - TensorPrimitives.Dot(Products(i), weights);
        }
    }

    /// <summary>The squared error of an output over all rows: wᵀHw − 2wᵀG + Σy².</summary>
    /// <param name="weights">[1 + inputs], the bias first.</param>
    internal double Error(ReadOnlySpan<float> weights, int output)
    {
        double error = energies[output];
        for (int i = 0; i < Width; i++)
        {
            if (weights[i] != 0)
            {
                error += weights[i] * ((double)TensorPrimitives.Dot(Products(i), weights) - 2.0 * targets[i * outputs + output]);
            }
        }

        return error;
    }

    /// <summary>The squared error of some outputs together.</summary>
    /// <param name="weights">[outputs, 1 + inputs].</param>
    internal double Error(float[] weights, IReadOnlyList<int> chosen, CancellationToken cancellation)
    {
        double[] errors = new double[chosen.Count];
        Parallel.For(0, errors.Length, Options(cancellation), i => errors[i] = Error(weights.AsSpan(chosen[i] * Width, Width), chosen[i]));
        return errors.Sum();
    }

    /// <summary>U of H + ridge = UᵀU in the given order of its rows and columns; the bias has no ridge.</summary>
    /// <param name="order">Which row of H comes where, the bias first.</param>
    /// <returns>Null where the inputs were always zero, or the matrix is not positive definite in single precision.</returns>
    internal float[]? Factor(ReadOnlySpan<int> order, float damping, CancellationToken cancellation)
    {
        float ridge = damping * MeanMoment;
        if (!(ridge > 0) || !float.IsFinite(ridge))
        {
            return null;
        }

        int size = order.Length;
        float[] factor = new float[size * size];
        for (int i = 0; i < size; i++)
        {
            ReadOnlySpan<float> row = Products(order[i]);
            for (int j = i; j < size; j++)
            {
                factor[i * size + j] = row[order[j]];
            }

            // A layer without a bias has rows that begin with 0.
            factor[i * size + i] += order[i] != 0 ? ridge : row[0] > 0 ? 0 : ridge;
        }

        return Cholesky.TryFactor(factor, size, cancellation) ? factor : null;
    }

    internal static ParallelOptions Options(CancellationToken cancellation) => new() { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellation };
}
