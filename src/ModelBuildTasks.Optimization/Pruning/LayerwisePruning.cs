using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning.Refitting;
using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Pruning;

/// <summary>
/// What the techniques that prune by calibration samples have in common: which layers they may prune, the walk from layer to layer, in which the layers
/// that are left whole are refitted to what pruned ones make them read, and the report.
/// </summary>
internal static class LayerwisePruning
{
    /// <summary>The moments of more inputs than those of a 3×3 filter over 512 channels take longer to factor than it is worth.</summary>
    private const int MostInputs = 4608;

    /// <summary>
    /// Where an output has fewer weights than a 4×4 filter, as in a depthwise layer, none can make up for another: pruning these costs most and saves least.
    /// </summary>
    private const int FewestInputs = 16;

    /// <param name="technique">Begins sentences.</param>
    /// <param name="excluded">Layers that keep their weights, which are not refitted either.</param>
    /// <param name="leftWhole">Why a layer may not be pruned; null when it may.</param>
    /// <param name="plan">For the layers to prune, what gives the pruned weights of a group, or null where the samples tell nothing.</param>
    internal static PassOutcome Apply(
        string technique, Model model, PassContext context, ExcludedLayers? excluded, Func<RefittedLayer, string?> leftWhole, Func<Model, IReadOnlyList<RefittedLayer>, Func<RegressionTask, float[]?>> plan)
    {
        if (context.Calibration is null)
        {
            return PassOutcome.Refused($"{technique} needs calibration samples, and there are none.");
        }

        Model original = model.Clone();
        List<string> skipped = [];
        List<RefittedLayer> layers = RefittedLayer.Find(original, model, null, excluded ?? ExcludedLayers.None, skipped);
        List<RefittedLayer> prunable = [.. layers.Where(layer => MayPrune(layer, leftWhole, skipped))];
        if (prunable.Count == 0)
        {
            return PassOutcome.Refused("The model has no layer whose weights could be pruned.", skipped);
        }

        ModelSnapshot before = model.TakeSnapshot();
        try
        {
            Func<RegressionTask, float[]?> prune = plan(original, prunable);
            LayerwiseFit.Run(original, model, [.. layers.Where(layer => layer.Inputs <= MostInputs)], NormalizationRefit.Find(original, model, null), context, task =>
                prunable.Contains(task.Layer) ? prune(task) ?? task.Weights
                : task.Layer.Inputs <= RidgeRefit.MostInputs ? Reconstruction.Refit(task, context.CancellationToken)
                : task.Weights);
        }
        catch (Exception failure) when (failure is CalibrationException or InferenceException)
        {
            model.Restore(before);
            return PassOutcome.Refused($"Calibration failed: {failure.Message}.", skipped);
        }

        (PrunableWeights Layer, int Zeroed)[] pruned = [.. prunable
            .Select(layer => new PrunableWeights(layer.Node, layer.WeightValue, layer.WeightValue.Constant!.ToSingles()))
            .Select(weights => (weights, weights.Elements.Count(w => w == 0)))];
        if (pruned.All(layer => layer.Zeroed == 0))
        {
            model.Restore(before);
            return PassOutcome.Refused($"{technique} removed no weight of {prunable.Count} layers: the samples tell nothing of them, or the share is less than one weight.", skipped);
        }

        return PassOutcome.Applied(PrunableWeights.Describe(pruned), skipped);
    }

    private static bool MayPrune(RefittedLayer layer, Func<RefittedLayer, string?> leftWhole, List<string> skipped)
    {
        int weights = layer.Outputs * layer.Inputs;
        string? reason = weights < PrunableWeights.FewestWeights ? $"it has {weights} weights; layers below {PrunableWeights.FewestWeights} are left whole"
            : layer.Inputs < FewestInputs ? $"an output of it has {layer.Inputs} weights, too few to make up for each other"
            : layer.Inputs > MostInputs ? $"an output of it reads {layer.Inputs} numbers, more than {MostInputs}"
            : leftWhole(layer);
        if (reason is not null)
        {
            skipped.Add($"'{layer.Name}' is not pruned: {reason}.");
        }

        return reason is null;
    }
}
