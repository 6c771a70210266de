using System.Numerics.Tensors;

namespace ModelBuildTasks.Optimization.LeastSquares;

/// <summary>
/// H = UᵀU with U upper triangular, for a symmetric positive definite H, block by block and in place (Golub and Van Loan, Matrix Computations, 4.2.6).
/// </summary>
internal static class Cholesky
{
    private const int BlockRows = 64;

    /// <param name="matrix">[size, size] by rows, of which the upper triangle is read; becomes U there. Below the diagonal it means nothing.</param>
    /// <returns>False when the matrix is not positive definite in single precision; it is then half changed.</returns>
    internal static bool TryFactor(float[] matrix, int size, CancellationToken cancellation = default)
    {
        for (int block = 0; block < size; block += BlockRows)
        {
            cancellation.ThrowIfCancellationRequested();
            int end = Math.Min(block + BlockRows, size);
            for (int row = block; row < end; row++)
            {
                Span<float> pivotRow = matrix.AsSpan(row * size + row, size - row);
                if (!(pivotRow[0] > 0) || !float.IsFinite(pivotRow[0]))
                {
                    return false;
                }

                TensorPrimitives.Divide(pivotRow, MathF.Sqrt(pivotRow[0]), pivotRow);
                for (int other = row + 1; other < end; other++)
                {
                    Span<float> rest = matrix.AsSpan(other * size + other, size - other);
                    TensorPrimitives.FusedMultiplyAdd(pivotRow[(other - row)..], -pivotRow[other - row], rest, rest);
                }
            }

            if (end < size)
            {
                OuterProducts.Add(matrix, size, end, matrix.AsMemory(block * size, (end - block) * size), sign: -1, cancellation);
            }
        }

        return true;
    }

    /// <summary>The diagonal of (UᵀU)⁻¹.</summary>
    /// <param name="factor">U, [size, size] by rows, from <see cref="TryFactor"/>.</param>
    internal static float[] InverseDiagonal(ReadOnlySpan<float> factor, int size)
    {
        float[] diagonal = new float[size];
        float[] column = new float[size];
        for (int j = 0; j < size; j++)
        {
            // Column j of U⁻¹, from the diagonal up; a row's sum of squares is the diagonal that is sought.
            column[j] = 1 / factor[j * size + j];
            diagonal[j] += column[j] * column[j];
            for (int i = j - 1; i >= 0; i--)
            {
                ReadOnlySpan<float> row = factor.Slice(i * size, size);
                column[i] = -TensorPrimitives.Dot(row[(i + 1)..(j + 1)], column.AsSpan(i + 1, j - i)) / row[i];
                diagonal[i] += column[i] * column[i];
            }
        }

        return diagonal;
    }

    /// <summary>Solves UᵀU·x = b.</summary>
    /// <param name="factor">U, [size, size] by rows, from <see cref="TryFactor"/>.</param>
    /// <param name="x">b; becomes x.</param>
    internal static void Solve(ReadOnlySpan<float> factor, int size, Span<float> x)
    {
        for (int row = 0; row < size; row++)
        {
            ReadOnlySpan<float> u = factor.Slice(row * size, size);
            x[row] /= u[row];
            TensorPrimitives.FusedMultiplyAdd(u[(row + 1)..], -x[row], x[(row + 1)..], x[(row + 1)..]);
        }

        for (int row = size - 1; row >= 0; row--)
        {
            ReadOnlySpan<float> u = factor.Slice(row * size, size);
            x[row] = (x[row] - TensorPrimitives.Dot(u[(row + 1)..], x[(row + 1)..])) / u[row];
        }
    }
}
