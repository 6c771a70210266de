using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Quantization.Smoothing;

/// <summary>
/// What a value [rows, channels] is over the samples: the largest magnitude of each channel, and a few of its rows. Those with the smallest hashes are kept,
/// which is an even draw that depends neither on the order of samples nor on their number (bottom-k sampling; Cohen and Kaplan, 2007).
/// </summary>
internal sealed class ChannelRows(int channels) : IRangeObserver
{
    private const int MostRows = 64;

    private const ulong FnvOffset = 14695981039346656037;
    private const ulong FnvPrime = 1099511628211;

    private readonly MinMaxObserver extremes = new();
    private readonly Lock gate = new();
    private readonly float[] largest = new float[channels];
    private readonly SortedList<ulong, float[]> rows = [];

    public ValueRange Seen => extremes.Seen;

    public ValueRange Range => extremes.Range;

    /// <summary>[channels].</summary>
    internal ReadOnlySpan<float> Largest => largest;

    /// <summary>Each [channels], in the order of their hashes.</summary>
    internal IList<float[]> Rows => rows.Values;

    public void Observe(ReadOnlySpan<float> values)
    {
        extremes.Observe(values);
        float[] magnitudes = new float[channels];
        float[] row = new float[channels];
        for (int first = 0; first + channels <= values.Length; first += channels)
        {
            ReadOnlySpan<float> current = values.Slice(first, channels);
            TensorPrimitives.Abs(current, row);
            TensorPrimitives.Max(row, magnitudes, magnitudes);
            ulong hash = HashOf(current);
            lock (gate)
            {
                if (rows.Count < MostRows || hash < rows.GetKeyAtIndex(MostRows - 1))
                {
                    rows[hash] = current.ToArray();
                    if (rows.Count > MostRows)
                    {
                        rows.RemoveAt(MostRows);
                    }
                }
            }
        }

        lock (gate)
        {
            TensorPrimitives.Max(largest, magnitudes, largest);
        }
    }

    /// <summary>FNV-1a over 32-bit words, its bits mixed once more: alone it leaves the high ones to the last words.</summary>
    private static ulong HashOf(ReadOnlySpan<float> row)
    {
        ulong hash = FnvOffset;
        foreach (uint word in MemoryMarshal.Cast<float, uint>(row))
        {
            hash = (hash ^ word) * FnvPrime;
        }

        return (hash ^ (hash >> 32)) * FnvPrime;
    }
}
