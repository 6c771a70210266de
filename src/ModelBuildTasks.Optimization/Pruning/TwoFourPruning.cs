using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning.Refitting;

namespace ModelBuildTasks.Optimization.Pruning;

/// <summary>
/// Of every four weights that follow each other along the dimension that is summed over, sets two to zero: the pattern that sparse tensor cores skip. For a Conv [K, C, R, S]
/// these are four channels of one filter at one tap, for a product four rows of its weights. Those that are left make up for it (<see cref="OptimalBrainSurgeon"/>).
/// </summary>
/// <param name="excluded">Layers that keep their weights.</param>
/// <remarks>NVIDIA TensorRT developer guide, "Structured sparsity". Kernels of ONNX Runtime's own gain nothing by it.</remarks>
public sealed class TwoFourPruning(ExcludedLayers? excluded = null) : IModelPass
{
    private const int GroupSize = 4;

    private const int KeptOfGroup = 2;

    public string Name => "2:4 pruning";

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        return LayerwisePruning.Apply("2:4 pruning", model, context, excluded, LeftWhole, (_, _) =>
            task => OptimalBrainSurgeon.Fit(task, Order(task.Layer), GroupSize, () => Mark, context.CancellationToken));
    }

    private static string? LeftWhole(RefittedLayer layer) =>
        layer.Groups > 1 ? "no sparse kernel computes a grouped convolution"
        : layer.Inputs / Taps(layer) % GroupSize != 0 ? $"its {layer.Inputs / Taps(layer)} input channels are no multiple of {GroupSize}"
        : null;

    /// <summary>Weights tap by tap, so that channels of one tap lie side by side.</summary>
    private static int[] Order(RefittedLayer layer)
    {
        int taps = Taps(layer);
        int channels = layer.Inputs / taps;
        return [0, .. from tap in Enumerable.Range(0, taps) from channel in Enumerable.Range(0, channels) select 1 + channel * taps + tap];
    }

    private static int Taps(RefittedLayer layer) => layer.Node.OpType == "Conv" ? (int)layer.Canonical.Weight.Dimensions.Skip(2).Aggregate(1L, (product, size) => product * size) : 1;

    /// <summary>Of each output's four, the two least salient.</summary>
    private static void Mark(ReadOnlySpan<float> saliency, Span<bool> removed)
    {
        Span<int> positions = stackalloc int[GroupSize];
        Span<float> values = stackalloc float[GroupSize];
        for (int first = 0; first < saliency.Length; first += GroupSize)
        {
            for (int i = 0; i < GroupSize; i++)
            {
                (positions[i], values[i]) = (first + i, saliency[first + i]);
            }

            values.Sort(positions);
            foreach (int position in positions[..(GroupSize - KeptOfGroup)])
            {
                removed[position] = true;
            }
        }
    }
}
