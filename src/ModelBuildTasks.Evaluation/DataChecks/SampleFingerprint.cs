using System.IO.Hashing;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Evaluation.DataChecks;

/// <summary>What is kept of a sample to find it, or one much like it, again.</summary>
/// <param name="Content">XXH3 of all inputs. Of a million different samples two have the same with a chance of 1 to 37 million.</param>
/// <param name="Look">
/// Means over a grid of 8 × 8 of the largest input of floating point numbers, an image's channels taken together (a series in 64 pieces), less their mean and scaled to length 1. Brightness, contrast,
/// normalisation, noise and recompression hardly change it. Null where no input is large and uneven enough to have one.
/// </param>
/// <param name="Detail">The same over a grid of up to 16 × 16 (256 pieces), in steps of a 127th of the largest: different handwritten digits that have one look differ in it. Null where there is no look.</param>
internal sealed record SampleFingerprint(ulong Content, float[]? Look, sbyte[]? Detail)
{
    internal const int Side = 8;
    private const int Cells = Side * Side;
    private const int DetailSide = 2 * Side;

    /// <summary>Fewer elements than this are the columns of a table, of which likeness says nothing.</summary>
    private const int FewestElements = 4 * Cells;

    /// <summary>Rows that a cell's mean is taken over: those of larger images are much alike.</summary>
    private const int MostRows = 8;

    /// <summary>Evener inputs than this, by deviation of the means over their size, have no look: what is left would be rounding.</summary>
    private const double LeastContrast = 1e-3;

    internal static SampleFingerprint Of(Sample sample)
    {
        XxHash3 hash = new();
        Tensor? largest = null;
        foreach (Tensor input in sample.Inputs)
        {
            hash.Append(MemoryMarshal.AsBytes<long>(input.Dimensions.ToArray()));
            hash.Append(input.Data.Span);
            bool mayLook = input.ElementType is ElementType.Float or ElementType.Float16 or ElementType.BFloat16 or ElementType.UInt8;
            largest = mayLook && input.Length > (largest?.Length ?? FewestElements - 1) ? input : largest;
        }

        float[]? look = largest is null ? null : LookOf(largest, Side);
        return new SampleFingerprint(hash.GetCurrentHashAsUInt64(), look, look is null || LookOf(largest!, DetailSide) is not { } detail ? null : Quantize(detail));
    }

    private static sbyte[] Quantize(float[] values)
    {
        float largest = Math.Abs(TensorPrimitives.MaxMagnitude<float>(values));
        return Array.ConvertAll(values, value => (sbyte)MathF.Round(value / largest * sbyte.MaxValue));
    }

    private static float[]? LookOf(Tensor input, int side)
    {
        float[] means = MeansOf(
            input.ElementType == ElementType.Float ? input.Span<float>()
            : input.ElementType == ElementType.UInt8 ? Array.ConvertAll(input.Span<byte>().ToArray(), pixel => (float)pixel)
            : input.ToSingles(),
            [.. input.Dimensions.Where(size => size > 1).Select(size => (int)size)], side);
        double size = TensorPrimitives.Norm<float>(means);
        TensorPrimitives.Subtract(means, TensorPrimitives.Sum<float>(means) / means.Length, means);
        double norm = TensorPrimitives.Norm<float>(means);
        if (!(norm > LeastContrast * size) || !double.IsFinite(norm))
        {
            return null;
        }

        TensorPrimitives.Divide(means, (float)norm, means);
        return means;
    }

    private static float[] MeansOf(ReadOnlySpan<float> values, int[] axes, int side)
    {
        (int planes, int height, int width, int step) = axes switch
        {
            [var rows, var columns, 3 or 4] when rows >= Side && columns >= Side => (1, rows, columns, axes[2]),
            [var channels, var rows, var columns] when rows >= Side && columns >= Side => (channels, rows, columns, 1),
            [var rows, var columns] when rows >= Side && columns >= Side => (1, rows, columns, 1),
            _ => (1, 1, values.Length, 1),
        };
        (int down, int across) = height == 1 ? (1, side * side) : (Math.Min(side, height), Math.Min(side, width));
        float[] means = new float[down * across];
        for (int cell = 0; cell < means.Length; cell++)
        {
            (int top, int bottom) = (Edge(cell / across, height, down), Edge(cell / across + 1, height, down));
            int rowStep = Math.Max(1, (bottom - top) / MostRows);
            int rows = (bottom - top + rowStep - 1) / rowStep;
            (int left, int right) = (Edge(cell % across, width, across), Edge(cell % across + 1, width, across));
            for (int plane = 0; plane < planes; plane++)
            {
                for (int y = top; y < bottom; y += rowStep)
                {
                    int row = (plane * height + y) * width;
                    means[cell] += TensorPrimitives.Sum(values[((row + left) * step)..((row + right) * step)]);
                }
            }

            means[cell] /= (float)rows * (right - left) * step * planes;
        }

        return means;
    }

    private static int Edge(int cell, int size, int cells) => (int)((long)cell * size / cells);
}
