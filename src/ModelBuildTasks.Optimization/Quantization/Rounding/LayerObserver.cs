namespace ModelBuildTasks.Optimization.Quantization.Rounding;

/// <summary>Gathers the <see cref="LayerMoments"/> of each group of a layer, sample by sample.</summary>
internal sealed class LayerObserver
{
    /// <summary>More rows than this for each weight of an output change its least squares little.</summary>
    private const int RowsOfInput = 8;

    /// <summary>Small layers are looked at in more places: it costs nothing.</summary>
    private const int FewestRows = 4096;

    /// <summary>Products of inputs after which no further rows are taken, as long as there are two for each weight: a second of one core.</summary>
    private const double MostProducts = 2e10;

    private readonly Layer layer;
    private readonly QuantizationParameters parameters;
    private readonly int rowsOfSample;
    private LayerMoments[]? groups;

    /// <param name="layer">In its canonical form.</param>
    /// <param name="parameters">What its input becomes as integers.</param>
    /// <param name="samples">How many samples will come.</param>
    internal LayerObserver(Layer layer, QuantizationParameters parameters, int samples)
    {
        this.layer = layer;
        this.parameters = parameters;
        double inputs = layer.Inputs;
        double rows = Math.Max(Math.Min(Math.Max(RowsOfInput * inputs, FewestRows), MostProducts / (inputs * inputs)), 2 * inputs);
        rowsOfSample = (int)Math.Ceiling(rows / samples);
    }

    internal Layer Layer => layer;

    /// <summary>One for each group; empty before the first sample.</summary>
    internal IReadOnlyList<LayerMoments> Groups => groups ?? [];

    /// <summary>Takes in one sample. Samples must come one after the other.</summary>
    /// <param name="x">What the layer reads in the float model.</param>
    /// <param name="sample">The sample's number, which draws the positions that are looked at.</param>
    internal void Add(ReadOnlySpan<float> x, IReadOnlyList<long> shape, int sample, CancellationToken cancellation)
    {
        LayerRows rows = new(layer, shape);
        groups ??= [.. Enumerable.Range(0, rows.Groups).Select(_ => new LayerMoments(rows.Inputs))];
        int[] positions = Draw(rows.Positions, sample);
        int width = 1 + rows.Inputs;
        float[] z = new float[positions.Length * width];
        float[] read = new float[rows.Inputs];
        int[] offsets = new int[rows.Taps];
        for (int group = 0; group < rows.Groups; group++)
        {
            for (int i = 0; i < positions.Length; i++)
            {
                Span<float> row = z.AsSpan(i * width, width);
                rows.Locate(positions[i], offsets);
                rows.Read(x, group, offsets, read);
                row[0] = layer.Node.OpType == "MatMul" ? 0 : 1;
                parameters.Round(read, row[1..]);
                groups[group].AddLacking(read, row[1..]);
            }

            groups[group].Add(z, cancellation);
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
