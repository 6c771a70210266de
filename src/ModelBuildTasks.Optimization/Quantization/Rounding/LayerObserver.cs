using ModelBuildTasks.Optimization.LeastSquares;

namespace ModelBuildTasks.Optimization.Quantization.Rounding;

/// <summary>Gathers the <see cref="LayerMoments"/> of each group of a layer, sample by sample.</summary>
internal sealed class LayerObserver
{
    private readonly Layer layer;
    private readonly QuantizationParameters parameters;
    private readonly RowDraw draw;
    private LayerMoments[]? groups;

    /// <param name="layer">In its canonical form.</param>
    /// <param name="parameters">What its input becomes as integers.</param>
    /// <param name="samples">How many samples will come.</param>
    internal LayerObserver(Layer layer, QuantizationParameters parameters, int samples)
    {
        this.layer = layer;
        this.parameters = parameters;
        draw = new RowDraw(layer.Inputs, samples);
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
        int[] positions = draw.Positions(rows.Positions, sample);
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
}
