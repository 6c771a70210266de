using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>Slices of a stored tensor along one axis.</summary>
internal static class TensorSlices
{
    /// <summary>The tensor with the slices at <paramref name="positions"/> alone.</summary>
    internal static Tensor Take(Tensor tensor, int axis, int[] positions)
    {
        (long outer, long size, long inner) = Extents(tensor, axis);
        int bytes = (int)inner * tensor.ElementType.BitsPerElement() / 8;
        byte[] taken = new byte[outer * positions.Length * bytes];
        ReadOnlySpan<byte> source = tensor.Data.Span;
        int at = 0;
        for (long row = 0; row < outer; row++)
        {
            foreach (int position in positions)
            {
                source.Slice((int)((row * size + position) * bytes), bytes).CopyTo(taken.AsSpan(at, bytes));
                at += bytes;
            }
        }

        long[] dimensions = [.. tensor.Dimensions];
        dimensions[axis] = positions.Length;
        return Tensor.FromBytes(tensor.ElementType, dimensions, taken);
    }

    /// <summary>The sum of squares of each slice.</summary>
    internal static double[] SquaredNorms(Tensor tensor, int axis)
    {
        (_, long size, long inner) = Extents(tensor, axis);
        float[] elements = tensor.ToSingles();
        double[] sums = new double[size];
        for (int i = 0; i < elements.Length; i++)
        {
            sums[i / inner % size] += (double)elements[i] * elements[i];
        }

        return sums;
    }

    /// <summary>The tensor with zeros in the slices at <paramref name="positions"/>.</summary>
    internal static Tensor Zero(Tensor tensor, int axis, IEnumerable<int> positions)
    {
        (long outer, long size, long inner) = Extents(tensor, axis);
        int bytes = (int)inner * tensor.ElementType.BitsPerElement() / 8;
        byte[] data = tensor.Data.ToArray();
        foreach (int position in positions)
        {
            for (long row = 0; row < outer; row++)
            {
                data.AsSpan((int)((row * size + position) * bytes), bytes).Clear();
            }
        }

        return Tensor.FromBytes(tensor.ElementType, [.. tensor.Dimensions], data);
    }

    private static (long Outer, long Size, long Inner) Extents(Tensor tensor, int axis) =>
        (Product(tensor.Dimensions.Take(axis)), tensor.Dimensions[axis], Product(tensor.Dimensions.Skip(axis + 1)));

    private static long Product(IEnumerable<long> sizes) => sizes.Aggregate(1L, (product, size) => product * size);
}
