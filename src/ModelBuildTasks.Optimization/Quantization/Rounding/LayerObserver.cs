using System.Numerics.Tensors;

namespace ModelBuildTasks.Optimization.Quantization.Rounding;

/// <summary>Gathers the <see cref="LayerMoments"/> of each group of a layer, sample by sample.</summary>
internal sealed class LayerObserver
{
    /// <summary>More rows than this for each weight of an output change its least squares little.</summary>
    private const int RowsOfInput = 16;

    /// <summary>Small layers are looked at in more places: it costs nothing.</summary>
    private const int FewestRows = 4096;

    /// <summary>Products of inputs after which no further rows are taken, as long as there are two for each weight: a second of one core.</summary>
    private const double MostProducts = 2e10;

    private readonly Layer layer;
    private readonly int rowsOfSample;
    private LayerMoments[]? groups;

    /// <param name="layer">In its canonical form.</param>
    /// <param name="samples">How many samples will come.</param>
    internal LayerObserver(Layer layer, int samples)
    {
        this.layer = layer;
        double inputs = LayerRows.InputsOf(layer);
        double rows = Math.Max(Math.Min(Math.Max(RowsOfInput * inputs, FewestRows), MostProducts / (inputs * inputs)), 2 * inputs);
        rowsOfSample = (int)Math.Ceiling(rows / samples);
    }

    internal Layer Layer => layer;

    /// <summary>One for each group; empty before the first sample.</summary>
    internal IReadOnlyList<LayerMoments> Groups => groups ?? [];

    /// <summary>Takes in one sample. Samples must come one after the other.</summary>
    /// <param name="x">What the layer reads in the quantized model.</param>
    /// <param name="y">What it gives in the float model.</param>
    /// <param name="sample">The sample's number, which draws the positions that are looked at.</param>
    internal void Add(ReadOnlyMemory<float> x, IReadOnlyList<long> input, ReadOnlyMemory<float> y, IReadOnlyList<long> output, int sample, CancellationToken cancellation)
    {
        LayerRows rows = new(layer, input, output);
        groups ??= [.. Enumerable.Range(0, rows.Groups).Select(_ => new LayerMoments(rows.Inputs, rows.Outputs))];
        int[] positions = Draw(rows.Positions, sample);
        int[] offsets = new int[positions.Length * rows.Taps];
        for (int i = 0; i < positions.Length; i++)
        {
            rows.Locate(positions[i], offsets.AsSpan(i * rows.Taps, rows.Taps));
        }

        float[] weights = OutputMajor(layer);
        ParallelOptions options = new() { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellation };
        Parallel.For(0, rows.Groups, options, group =>
        {
            int width = groups[group].Width;
            float[] z = new float[positions.Length * width];
            Parallel.For(0, positions.Length, options, i => Fill(
                rows, x.Span, y.Span, group, positions[i], offsets.AsSpan(i * rows.Taps, rows.Taps), weights, z.AsSpan(i * width, width)));
            groups[group].Add(z, cancellation);
        });
    }

    /// <summary>The weights of a layer, [outputs, inputs].</summary>
    internal static float[] OutputMajor(Layer layer)
    {
        ReadOnlySpan<float> source = layer.Weight.Span<float>();
        if (layer.ChannelAxis == 0)
        {
            return source.ToArray();
        }

        int inputs = LayerRows.InputsOf(layer);
        float[] result = new float[source.Length];
        for (int i = 0; i < result.Length; i++)
        {
            result[i % layer.OutputChannels * inputs + i / layer.OutputChannels] = source[i];
        }

        return result;
    }

    private void Fill(LayerRows rows, ReadOnlySpan<float> x, ReadOnlySpan<float> y, int group, int position, ReadOnlySpan<int> offsets, float[] weights, Span<float> z)
    {
        z[0] = layer.Node.OpType == "MatMul" ? 0 : 1;
        Span<float> read = z.Slice(1, rows.Inputs);
        Span<float> missing = z[(1 + rows.Inputs)..];
        rows.Read(x, group, offsets, read);
        rows.ReadOutputs(y, group, position, missing);
        ReadOnlySpan<float> bias = layer.Bias is { } stored ? stored.Span<float>() : [];
        for (int o = 0; o < missing.Length; o++)
        {
            int output = group * rows.Outputs + o;
            missing[o] -= TensorPrimitives.Dot(read, weights.AsSpan(output * rows.Inputs, rows.Inputs)) + (bias.IsEmpty ? 0 : bias[output]);
        }
    }

    /// <summary>Positions drawn one from each of equal stretches: a fixed step would look at a few columns of a map only.</summary>
    private int[] Draw(int positions, int sample)
    {
        int count = Math.Min(positions, rowsOfSample);
        Random random = new(sample);
        int[] result = new int[count];
        for (int i = 0; i < count; i++)
        {
            long first = (long)i * positions / count;
            long end = (long)(i + 1) * positions / count;
            result[i] = (int)random.NextInt64(first, end);
        }

        return result;
    }
}
