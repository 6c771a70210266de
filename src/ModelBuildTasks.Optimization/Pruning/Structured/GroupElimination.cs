using System.Numerics.Tensors;
using ModelBuildTasks.Optimization.LeastSquares;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>
/// Removes groups of a layer's inputs one after the other, the rest of the weights making up for each as well as it can: the squared error that a group c adds is
/// tr(W_c [H⁻¹]_cc⁻¹ W_cᵀ), with H the second moments of what is left and W the weights as they have become (Optimal Brain Surgeon for groups: Kurtic et al., "ZipLM", 2023, equation 2).
/// </summary>
internal sealed class GroupElimination
{
    private readonly int size;

    /// <summary>H⁻¹, [size, size].</summary>
    private readonly float[] inverse;

    /// <summary>WᵀW, [size, size]: outputs count by their sums only.</summary>
    private readonly float[] products;

    private GroupElimination(float[] inverse, float[] products, int size)
    {
        this.inverse = inverse;
        this.products = products;
        this.size = size;
    }

    /// <param name="moments">H, [size, size], symmetric, with its ridge.</param>
    /// <param name="products">WᵀW, [size, size], symmetric; is changed.</param>
    /// <returns>Null where H is not positive definite in single precision.</returns>
    internal static GroupElimination? Of(float[] moments, float[] products, int size, CancellationToken cancellation)
    {
        float[] factor = [.. moments];
        if (!Cholesky.TryFactor(factor, size, cancellation))
        {
            return null;
        }

        float[] inverse = new float[size * size];
        Parallel.For(0, size, new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
        {
            Span<float> row = inverse.AsSpan(i * size, size);
            row[i] = 1;
            Cholesky.Solve(factor, size, row);
        });
        return new GroupElimination(inverse, products, size);
    }

    /// <summary>The squared error that the removal of a group adds; not a number where single precision cannot tell it.</summary>
    internal double LossOf(int[] group)
    {
        if (Factor(group) is not { } corner)
        {
            return double.NaN;
        }

        int count = group.Length;
        double loss = 0;
        float[] column = new float[count];
        for (int j = 0; j < count; j++)
        {
            for (int i = 0; i < count; i++)
            {
                column[i] = products[group[i] * size + group[j]];
            }

            Cholesky.Solve(corner, count, column);
            loss += column[j];
        }

        return loss;
    }

    /// <summary>Removes a group, whose loss is a number. Its own rows and columns mean nothing afterwards.</summary>
    internal void Remove(int[] group, CancellationToken cancellation)
    {
        float[] corner = Factor(group) ?? throw new ArgumentException("The loss of the group is not a number.", nameof(group));
        int count = group.Length;

        // B = [H⁻¹]_cc⁻¹ [H⁻¹]_c:, [count, size]; rows of symmetric matrices stand for their columns.
        float[][] read = Array.ConvertAll(group, i => inverse.AsSpan(i * size, size).ToArray());
        float[][] crossed = Array.ConvertAll(group, i => products.AsSpan(i * size, size).ToArray());
        float[][] b = Array.ConvertAll(group, _ => new float[size]);
        float[][] rest = Array.ConvertAll(crossed, row => (float[])row.Clone());
        Span<float> column = stackalloc float[count];
        for (int k = 0; k < size; k++)
        {
            for (int i = 0; i < count; i++)
            {
                column[i] = read[i][k];
            }

            Cholesky.Solve(corner, count, column);
            for (int i = 0; i < count; i++)
            {
                b[i][k] = column[i];
            }
        }

        // With W' = W − W_c B: W'ᵀW' = P − Bᵀ P_c: − (P_:c − Bᵀ P_cc) B.
        for (int i = 0; i < count; i++)
        {
            for (int j = 0; j < count; j++)
            {
                TensorPrimitives.FusedMultiplyAdd(b[j], -crossed[i][group[j]], rest[i], rest[i]);
            }
        }

        Parallel.For(0, size, new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount }, row =>
        {
            Span<float> inverseRow = inverse.AsSpan(row * size, size);
            Span<float> productRow = products.AsSpan(row * size, size);
            for (int i = 0; i < count; i++)
            {
                TensorPrimitives.FusedMultiplyAdd(read[i], -b[i][row], inverseRow, inverseRow);
                TensorPrimitives.FusedMultiplyAdd(crossed[i], -b[i][row], productRow, productRow);
                TensorPrimitives.FusedMultiplyAdd(b[i], -rest[i][row], productRow, productRow);
            }
        });
    }

    /// <summary>The factor of a group's corner of H⁻¹; null where that is not finite.</summary>
    private float[]? Factor(int[] group)
    {
        int count = group.Length;
        float[] corner = new float[count * count];
        for (int i = 0; i < count; i++)
        {
            for (int j = 0; j < count; j++)
            {
                corner[i * count + j] = inverse[group[i] * size + group[j]];
            }
        }

        // What rounding has made singular has nothing left to lose.
        float least = float.Epsilon;
        for (int i = 0; i < count; i++)
        {
            least = Math.Max(least, corner[i * count + i]);
        }

        float[] factor = [.. corner];
        for (float ridge = 1e-6f; !Cholesky.TryFactor(factor, count); ridge *= 10)
        {
            if (!float.IsFinite(ridge * least))
            {
                return null;
            }

            factor = [.. corner];
            for (int i = 0; i < count; i++)
            {
                factor[i * count + i] += ridge * least;
            }
        }

        return factor;
    }
}
