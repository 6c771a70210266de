using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ModelBuildTasks.Optimization.Quantization.Calibration;

/// <summary>
/// How often each size of number was seen, in bins of one width, a power of two. Bin i holds [i, i + 1) widths, for i from −<see cref="BinsOfSide"/> on.
/// When a larger number comes, the width doubles and bins merge in pairs. As bins start at multiples of the width, that gives the very counts that the
/// wider bins would have had from the start, whatever the order of the numbers.
/// </summary>
internal sealed class Histogram
{
    /// <summary>Bins on either side of zero. At least half of them are in use on the larger side: four or more for each of 256 codes, so that a search can tell ranges apart.</summary>
    internal const int BinsOfSide = 2048;

    private const int Bins = 2 * BinsOfSide;

    /// <summary>Equal numbers one after the other, as Relu makes them, would wait for each other's count; they go to tables in turn.</summary>
    private const int Tables = 4;

    /// <summary>Below, widths would have no reciprocal in single precision.</summary>
    private const int SmallestExponent = -100;

    private readonly long[] counts = new long[Bins];
    private int exponent = SmallestExponent;

    /// <summary>The width of a bin.</summary>
    internal double Width => Math.ScaleB(1, exponent);

    /// <summary>How many numbers were seen.</summary>
    internal long Count => counts.Sum();

    /// <summary>The count of bin <paramref name="bin"/>, −<see cref="BinsOfSide"/> to <see cref="BinsOfSide"/> − 1.</summary>
    internal long this[int bin] => counts[bin + BinsOfSide];

    /// <summary>Counts numbers that are all finite and lie in <paramref name="range"/>. Threads may call this at once.</summary>
    internal void Add(ReadOnlySpan<float> values, ValueRange range)
    {
        int needed = ExponentFor(range);
        int used = Math.Max(needed, Volatile.Read(ref exponent));
        float reciprocal = MathF.ScaleB(1, -used);
        int first = (int)MathF.Floor(range.Lowest * reciprocal) + BinsOfSide;
        int last = (int)MathF.Floor(range.Highest * reciprocal) + BinsOfSide;
        int[] tables = ArrayPool<int>.Shared.Rent(Tables * Bins);
        for (int table = 0; table < Tables; table++)
        {
            tables.AsSpan(table * Bins + first, last - first + 1).Clear();
        }

        Count4(values, reciprocal, tables);
        lock (counts)
        {
            Widen(used);
            int shift = exponent - used;
            for (int bin = first; bin <= last; bin++)
            {
                counts[Shifted(bin, shift)] += (long)tables[bin] + tables[Bins + bin] + tables[2 * Bins + bin] + tables[3 * Bins + bin];
            }
        }

        ArrayPool<int>.Shared.Return(tables);
    }

    /// <summary>The counts in at most <paramref name="most"/> bins of one width, from the first in use to the last; null when nothing but zeros was counted.</summary>
    internal NumberHistogram? Coarse(int most)
    {
        int first = Array.FindIndex(counts, count => count > 0);
        int last = Array.FindLastIndex(counts, count => count > 0);
        if (first < 0 || exponent == SmallestExponent)
        {
            return null;
        }

        int merged = (last - first) / most + 1;
        long[] coarse = new long[(last - first) / merged + 1];
        for (int bin = first; bin <= last; bin++)
        {
            coarse[(bin - first) / merged] += counts[bin];
        }

        return new NumberHistogram((first - BinsOfSide) * Width, merged * Width, coarse);
    }

    private static int ExponentFor(ValueRange range)
    {
        float magnitude = Math.Max(Math.Abs(range.Lowest), Math.Abs(range.Highest));
        return magnitude == 0 ? SmallestExponent : Math.Max(SmallestExponent, Math.ILogB(magnitude) + 1 - BitOperations.Log2(BinsOfSide));
    }

    private static void Count4(ReadOnlySpan<float> values, float reciprocal, Span<int> tables)
    {
        ref int first = ref MemoryMarshal.GetReference(tables);
        Span<int> bins = stackalloc int[Vector<int>.Count];
        Vector<float> factor = new(reciprocal);
        Vector<int> offset = new(BinsOfSide);
        int at = 0;
        for (; at <= values.Length - Vector<float>.Count; at += Vector<float>.Count)
        {
            (Vector.ConvertToInt32Native(Vector.Floor(new Vector<float>(values[at..]) * factor)) + offset).CopyTo(bins);
            for (int lane = 0; lane < bins.Length; lane++)
            {
                Unsafe.Add(ref first, (lane & (Tables - 1)) * Bins + bins[lane])++;
            }
        }

        for (; at < values.Length; at++)
        {
            tables[(int)MathF.Floor(values[at] * reciprocal) + BinsOfSide]++;
        }
    }

    private void Widen(int wider)
    {
        int shift = wider - exponent;
        if (shift <= 0)
        {
            return;
        }

        long[] merged = new long[Bins];
        for (int bin = 0; bin < Bins; bin++)
        {
            merged[Shifted(bin, shift)] += counts[bin];
        }

        merged.CopyTo(counts, 0);
        Volatile.Write(ref exponent, wider);
    }

    /// <summary>Where a stored bin comes to lie in bins 2^<paramref name="shift"/> times as wide.</summary>
    private static int Shifted(int bin, int shift) => ((bin - BinsOfSide) >> Math.Min(shift, 31)) + BinsOfSide;
}
