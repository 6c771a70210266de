using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning.Refitting;
using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Pruning;

/// <summary>
/// Prunes, and then refits the weights and biases that are left, layer by layer, to what the original model's layers give on the calibration samples: ridge
/// least squares on what each layer reads in the pruned model (He et al., "Channel Pruning for Accelerating Very Deep Neural Networks", 2017, section 3.1, for
/// any pruning). Zeros stay zeros. Without samples it prunes alone.
/// </summary>
/// <param name="pruning">What sets weights to zero.</param>
/// <param name="excluded">Layers that keep their weights.</param>
public sealed class Reconstruction(IModelPass pruning, ExcludedLayers? excluded = null) : IModelPass
{
    /// <summary>Outputs of a layer, evenly drawn, by which its ridge is chosen: with more the choice is the same, and each takes a solution.</summary>
    private const int OutputsJudged = 32;

    /// <summary>The share of a result's energy below which an error is rounding: sums of products in single precision hold six digits.</summary>
    private const double SmallestError = 1e-6;

    public string Name => $"{pruning.Name} with refit";

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        Model original = model.Clone();
        PassOutcome outcome = pruning.Apply(model, context);
        if (!outcome.Changed || context.Calibration is null)
        {
            return outcome;
        }

        List<string> refusals = [.. outcome.Refusals];
        string refit = RefitOrRestore(original, model, null, excluded ?? ExcludedLayers.None, context, refusals);
        return outcome with { Explanation = $"{outcome.Explanation} {refit}", Refusals = refusals };
    }

    /// <summary>Refits as <see cref="Refit(Model, Model, IReadOnlyDictionary{string, int[]}?, ExcludedLayers, PassContext, ICollection{string})"/> does; where the samples cannot be run, the pruned model stays as it was.</summary>
    /// <returns>A sentence on what was done.</returns>
    internal static string RefitOrRestore(Model original, Model pruned, IReadOnlyDictionary<string, int[]>? keptChannels, ExcludedLayers excluded, PassContext context, ICollection<string> refusals)
    {
        ModelSnapshot before = pruned.TakeSnapshot();
        try
        {
            int refitted = Refit(original, pruned, keptChannels, excluded, context, refusals);
            return $"{refitted} {(refitted == 1 ? "layer was" : "layers were")} refitted to what the original gives on the calibration samples.";
        }
        catch (Exception failure) when (failure is CalibrationException or InferenceException)
        {
            pruned.Restore(before);
            return $"Nothing was refitted: {failure.Message}.";
        }
    }

    /// <summary>Refits every layer of a pruned model whose results on the calibration samples come nearer to the original's by it.</summary>
    /// <param name="original">The model from which <paramref name="pruned"/> was made; layers are paired by the names of their results.</param>
    /// <param name="keptChannels">By the name of a layer's result: the channels of the original's that it still has, in order, where it is not all. That of a BatchNormalization counts, too.</param>
    /// <param name="excluded">Layers that keep their weights.</param>
    /// <param name="refusals">Gets a reason for each layer that keeps its weights.</param>
    /// <returns>How many layers were.</returns>
    /// <exception cref="CalibrationException">There is no sample, or one cannot be run.</exception>
    internal static int Refit(Model original, Model pruned, IReadOnlyDictionary<string, int[]>? keptChannels, ExcludedLayers excluded, PassContext context, ICollection<string> refusals)
    {
        List<RefittedLayer> layers = RefittedLayer.Find(original, pruned, keptChannels, excluded, refusals);
        foreach (RefittedLayer wide in layers.Where(layer => layer.Inputs > RidgeRefit.MostInputs))
        {
            refusals.Add($"'{wide.Name}' is not refitted: an output of it reads {wide.Inputs} numbers, more than {RidgeRefit.MostInputs}.");
        }

        layers.RemoveAll(layer => layer.Inputs > RidgeRefit.MostInputs);
        HashSet<RefittedLayer> refitted = [];
        LayerwiseFit.Run(original, pruned, layers, NormalizationRefit.Find(original, pruned, keptChannels), context, task =>
        {
            float[] weights = Refit(task, context.CancellationToken);
            lock (refitted)
            {
                if (weights != task.Weights)
                {
                    refitted.Add(task.Layer);
                }
            }

            return weights;
        });
        return refitted.Count;
    }

    /// <summary>The weights of one group, fitted where that errs less on samples that were not fitted to; else the same array.</summary>
    internal static float[] Refit(RegressionTask task, CancellationToken cancellation)
    {
        int[] judged = [.. task.Outputs.Where(output => output % Math.Max(1, task.Outputs.Count / OutputsJudged) == 0)];
        double before = task.Checked.Error(task.Weights, judged, cancellation);
        // Where nothing in front of a layer has changed and nothing of it was removed, there is nothing to mend.
        if (before <= SmallestError * task.Checked.Energy
            || task.BestDamping(judged, (moments, damping) => RidgeRefit.Fit(moments, judged, task.Weights, task.Weights, damping, cancellation), cancellation) is not { } best
            || !(best.Error < before))
        {
            return task.Weights;
        }

        return RidgeRefit.Fit(task.Together(), task.Outputs, task.Weights, task.Weights, best.Damping, cancellation) ?? task.Weights;
    }
}
