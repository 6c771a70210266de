using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Data;

/// <summary>Brings the shape of one stored record to the shape of a model's input, with a batch axis of 1.</summary>
internal static class ShapeFit
{
    /// <summary>
    /// The dimensions under which the record feeds the input, or null when it cannot. Row-major order is never changed: the batch axis
    /// and other axes of length 1 may be added or dropped, and a record or input that is one long axis is reshaped.
    /// </summary>
    internal static long[]? Fit(IReadOnlyList<Dimension> shape, ReadOnlySpan<long> record)
    {
        if (Matches(shape, record) && (record.Length == 0 || record[0] == 1 || shape[0].Size is not null))
        {
            return record.ToArray();
        }

        long[] batched = [1, .. record];
        return Matches(shape, batched) ? batched : Reshape(shape, record);
    }

    /// <summary>Whether a tensor of these dimensions feeds an input of this shape as it is.</summary>
    internal static bool Matches(IReadOnlyList<Dimension> shape, ReadOnlySpan<long> dimensions)
    {
        if (shape.Count != dimensions.Length)
        {
            return false;
        }

        for (int i = 0; i < dimensions.Length; i++)
        {
            if (shape[i].Size is { } size && size != dimensions[i])
            {
                return false;
            }
        }

        return true;
    }

    private static long[]? Reshape(IReadOnlyList<Dimension> shape, ReadOnlySpan<long> record)
    {
        long elements = Product(record);
        long[] target = new long[shape.Count];
        int open = -1;
        for (int i = 0; i < target.Length; i++)
        {
            if (shape[i].Size is { } size)
            {
                target[i] = size;
            }
            else if (i == 0)
            {
                target[i] = 1;
            }
            else if (open >= 0)
            {
                return null;
            }
            else
            {
                open = i;
                target[i] = 1;
            }
        }

        long known = Product(target);
        if (open >= 0 && known > 0)
        {
            target[open] = elements / known;
        }

        return Product(target) == elements && SameOrder(target, record) ? target : null;
    }

    private static bool SameOrder(ReadOnlySpan<long> left, ReadOnlySpan<long> right)
    {
        long[] leftAxes = LongAxes(left);
        long[] rightAxes = LongAxes(right);
        return leftAxes.Length <= 1 || rightAxes.Length <= 1 || leftAxes.AsSpan().SequenceEqual(rightAxes);
    }

    private static long[] LongAxes(ReadOnlySpan<long> dimensions) => Array.FindAll(dimensions.ToArray(), size => size != 1);

    private static long Product(ReadOnlySpan<long> dimensions)
    {
        long product = 1;
        foreach (long dimension in dimensions)
        {
            product *= dimension;
        }

        return product;
    }
}
