using System.Numerics.Tensors;

namespace ModelBuildTasks.Optimization.Quantization;

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
}
