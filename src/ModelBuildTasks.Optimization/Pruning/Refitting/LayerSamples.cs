using ModelBuildTasks.Optimization.LeastSquares;
using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Pruning.Refitting;

/// <summary>Gathers the moments of each group of a layer: what it reads in the pruned model, and what it gave in the original. Every other sample is for checking.</summary>
internal sealed class LayerSamples
{
    private readonly RefittedLayer layer;
    private readonly RowDraw draw;
    private readonly RegressionMoments[] learned;
    private readonly RegressionMoments[] withheld;

    /// <param name="samples">How many samples will come.</param>
    internal LayerSamples(RefittedLayer layer, int samples)
    {
        this.layer = layer;
        draw = new RowDraw(layer.Inputs, samples);
        learned = [.. Enumerable.Range(0, layer.Groups).Select(_ => new RegressionMoments(layer.Inputs, layer.Outputs / layer.Groups))];
        withheld = [.. Enumerable.Range(0, layer.Groups).Select(_ => new RegressionMoments(layer.Inputs, layer.Outputs / layer.Groups))];
    }

    /// <summary>The memory that the moments of a layer take.</summary>
    internal static long BytesOf(RefittedLayer layer) => 2 * layer.Groups * RegressionMoments.BytesOf(layer.Inputs, layer.Outputs / layer.Groups);

    /// <summary>Takes in one sample. Samples must come one after the other.</summary>
    /// <param name="sample">The sample's number, which draws the positions that are looked at.</param>
    /// <exception cref="CalibrationException">The shapes or numbers of the sample are none to fit to.</exception>
    internal void Add(SampleActivations pruned, SampleActivations original, int sample, CancellationToken cancellation)
    {
        ReadOnlySpan<float> x = pruned[layer.Read];
        ReadOnlySpan<float> y = original[layer.Target];
        LayerRows rows = new(layer.Canonical, pruned.ShapeOf(layer.Read));
        int outputs = layer.Outputs / layer.Groups;
        int channels = rows.Positions > 0 ? y.Length / rows.Positions : 0;
        if (channels * rows.Positions != y.Length || (rows.Positions > 0 && layer.Kept.Any(channel => channel >= channels)))
        {
            throw new CalibrationException($"'{layer.Target.Name}' has {y.Length} numbers, which are no channels of {rows.Positions} positions");
        }

        int[] positions = draw.Positions(rows.Positions, sample);
        int width = 1 + layer.Inputs;
        float[] z = new float[positions.Length * width];
        float[] results = new float[positions.Length * outputs];
        int[] offsets = new int[rows.Taps];
        for (int group = 0; group < layer.Groups; group++)
        {
            for (int i = 0; i < positions.Length; i++)
            {
                Span<float> row = z.AsSpan(i * width, width);
                rows.Locate(positions[i], offsets);
                row[0] = layer.HasBias ? 1 : 0;
                rows.Read(x, group, offsets, row[1..]);
                rows.ReadResult(y, positions[i], channels, layer.Kept.AsSpan(group * outputs, outputs), results.AsSpan(i * outputs, outputs));
            }

            if (!AreFinite(z) || !AreFinite(results))
            {
                throw new CalibrationException($"the tensor '{layer.Read.Name}' or '{layer.Target.Name}' holds numbers that are not finite");
            }

            (sample % 2 == 0 ? learned : withheld)[group].Add(z, results, cancellation);
        }
    }

    /// <summary>What is to be solved for one group, once all samples are in.</summary>
    internal RegressionTask Task(int group)
    {
        learned[group].Complete();
        withheld[group].Complete();
        int length = layer.Outputs / layer.Groups * (1 + layer.Inputs);
        return new RegressionTask(layer, layer.Weights.AsSpan(group * length, length).ToArray(), learned[group], withheld[group]);
    }

    // Of no numbers, none is finite.
    private static bool AreFinite(float[] numbers) => numbers.Length == 0 || System.Numerics.Tensors.TensorPrimitives.IsFiniteAll<float>(numbers);
}
