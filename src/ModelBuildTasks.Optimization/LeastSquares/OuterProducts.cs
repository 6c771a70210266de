using System.Numerics;
using System.Runtime.InteropServices;

namespace ModelBuildTasks.Optimization.LeastSquares;

/// <summary>
/// The upper triangle of C + sign·XᵀX, the one product on which calibration and factorization spend their time. Each element of C adds its products row
/// after row, whatever the threads and the vector width, so that results are the same everywhere.
/// </summary>
internal static class OuterProducts
{
    /// <summary>A tile of C that stays in registers: 4 rows by 2 vectors.</summary>
    private const int TileRows = 4;

    private const int TileVectors = 2;

    /// <summary>Rows of X that one pass over C adds; a strip of so many rows and a few columns stays in the first cache.</summary>
    private const int RowsAtOnce = 128;

    /// <summary>Rows of C that one thread takes at a time.</summary>
    private const int StripRows = 32;

    /// <param name="c">[size, size] by rows; elements below the diagonal may change, too, and mean nothing.</param>
    /// <param name="first">The part of C from this row and column on is computed.</param>
    /// <param name="x">[rows, columns of C] by rows; columns before <paramref name="first"/> are not read.</param>
    /// <param name="sign">1 or −1.</param>
    internal static void Add(float[] c, int size, int first, ReadOnlyMemory<float> x, float sign, CancellationToken cancellation = default)
    {
        int rows = x.Length / size;
        int strips = (size - first + StripRows - 1) / StripRows;
        for (int row = 0; row < rows; row += RowsAtOnce)
        {
            ReadOnlyMemory<float> part = x.Slice(row * size, Math.Min(RowsAtOnce, rows - row) * size);
            if (strips == 1)
            {
                AddStrip(c, size, first, size, part.Span, sign);
                continue;
            }

            Parallel.For(0, strips, new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount }, strip =>
            {
                int begin = first + strip * StripRows;
                AddStrip(c, size, begin, Math.Min(begin + StripRows, size), part.Span, sign);
            });
        }
    }

    private static void AddStrip(float[] c, int size, int begin, int end, ReadOnlySpan<float> x, float sign)
    {
        int width = TileVectors * Vector<float>.Count;
        int column = begin;
        for (; column + width <= size; column += width)
        {
            int row = begin;
            for (; row + TileRows <= end; row += TileRows)
            {
                AddTile(ref c[row * size + column], size, x, row, column, sign);
            }

            for (; row < end; row++)
            {
                AddSingles(c, size, row, column, column + width, x, sign);
            }
        }

        for (int row = begin; row < end; row++)
        {
            AddSingles(c, size, row, column, size, x, sign);
        }
    }

    private static void AddTile(ref float c, int size, ReadOnlySpan<float> x, int row, int column, float sign)
    {
        ref float left = ref MemoryMarshal.GetReference(x[row..]);
        ref float right = ref MemoryMarshal.GetReference(x[column..]);
        nuint lanes = (nuint)Vector<float>.Count;
        nuint stride = (nuint)size;
        Vector<float> c00 = Vector.LoadUnsafe(ref c), c01 = Vector.LoadUnsafe(ref c, lanes);
        Vector<float> c10 = Vector.LoadUnsafe(ref c, stride), c11 = Vector.LoadUnsafe(ref c, stride + lanes);
        Vector<float> c20 = Vector.LoadUnsafe(ref c, 2 * stride), c21 = Vector.LoadUnsafe(ref c, 2 * stride + lanes);
        Vector<float> c30 = Vector.LoadUnsafe(ref c, 3 * stride), c31 = Vector.LoadUnsafe(ref c, 3 * stride + lanes);
        nuint length = (nuint)x.Length;
        for (nuint at = 0; at < length; at += stride)
        {
            Vector<float> r0 = Vector.LoadUnsafe(ref right, at), r1 = Vector.LoadUnsafe(ref right, at + lanes);
            ref float l = ref System.Runtime.CompilerServices.Unsafe.Add(ref left, at);
            Vector<float> l0 = new(sign * l);
            c00 = Vector.FusedMultiplyAdd(l0, r0, c00);
            c01 = Vector.FusedMultiplyAdd(l0, r1, c01);
            Vector<float> l1 = new(sign * System.Runtime.CompilerServices.Unsafe.Add(ref l, 1));
            c10 = Vector.FusedMultiplyAdd(l1, r0, c10);
            c11 = Vector.FusedMultiplyAdd(l1, r1, c11);
            Vector<float> l2 = new(sign * System.Runtime.CompilerServices.Unsafe.Add(ref l, 2));
            c20 = Vector.FusedMultiplyAdd(l2, r0, c20);
            c21 = Vector.FusedMultiplyAdd(l2, r1, c21);
            Vector<float> l3 = new(sign * System.Runtime.CompilerServices.Unsafe.Add(ref l, 3));
            c30 = Vector.FusedMultiplyAdd(l3, r0, c30);
            c31 = Vector.FusedMultiplyAdd(l3, r1, c31);
        }

        c00.StoreUnsafe(ref c);
        c01.StoreUnsafe(ref c, lanes);
        c10.StoreUnsafe(ref c, stride);
        c11.StoreUnsafe(ref c, stride + lanes);
        c20.StoreUnsafe(ref c, 2 * stride);
        c21.StoreUnsafe(ref c, 2 * stride + lanes);
        c30.StoreUnsafe(ref c, 3 * stride);
        c31.StoreUnsafe(ref c, 3 * stride + lanes);
    }

    private static void AddSingles(float[] c, int size, int row, int begin, int end, ReadOnlySpan<float> x, float sign)
    {
        for (int column = begin; column < end; column++)
        {
            float sum = c[row * size + column];
            for (int at = 0; at < x.Length; at += size)
            {
                sum = MathF.FusedMultiplyAdd(sign * x[at + row], x[at + column], sum);
            }

            c[row * size + column] = sum;
        }
    }
}
