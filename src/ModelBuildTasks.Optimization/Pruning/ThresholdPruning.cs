using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Pruning;

/// <summary>
/// Sets every weight with |w| ≤ T to zero. Zeros without structure make no kernel of ONNX Runtime faster; what shrinks is the
/// compressed download.
/// </summary>
/// <param name="threshold">T, in the unit of the weights; not negative.</param>
/// <param name="excluded">Layers that keep their weights.</param>
/// <exception cref="ArgumentOutOfRangeException"><paramref name="threshold"/> is negative or not a number.</exception>
public sealed class ThresholdPruning(double threshold, ExcludedLayers? excluded = null) : IModelPass
{
    private readonly double threshold = threshold >= 0 ? threshold : throw new ArgumentOutOfRangeException(nameof(threshold), threshold, "A threshold is a magnitude, not negative.");

    public string Name => "threshold pruning";

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        List<string> skipped = [];
        List<PrunableWeights> layers = PrunableWeights.Find(model, excluded ?? ExcludedLayers.None, skipped);
        if (PrunableWeights.FirstWithNaN(layers) is { } broken)
        {
            return PassOutcome.Refused($"'{broken.Value.Name}' holds weights that are not a number.", skipped);
        }

        List<(PrunableWeights Layer, int Zeroed)> pruned = [.. layers.Select(layer => (layer, layer.Elements.Count(IsSmall)))];
        if (pruned.All(entry => entry.Layer.Elements.Count(w => w == 0) == entry.Zeroed))
        {
            return PassOutcome.Refused(layers.Count == 0 ? "The model has no layer whose weights could be pruned." : $"No weight has a magnitude up to {threshold}.", skipped);
        }

        foreach (PrunableWeights layer in layers)
        {
            for (int i = 0; i < layer.Elements.Length; i++)
            {
                layer.Elements[i] = IsSmall(layer.Elements[i]) ? 0 : layer.Elements[i];
            }

            layer.Store();
        }

        return PassOutcome.Applied(PrunableWeights.Describe(pruned), skipped);
    }

    private bool IsSmall(float weight) => Math.Abs(weight) <= threshold;
}
