using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning.Refitting;

namespace ModelBuildTasks.Optimization.Pruning;

/// <summary>
/// Dynamic network surgery (Guo, Yao and Chen, "Dynamic Network Surgery for Efficient DNNs", 2016) without its training loop: layer by layer, weights are removed in a
/// few steps, what is left is refitted to the calibration samples, and weights that the refit shows to be missed are spliced back for others that matter less
/// (<see cref="LayerSurgery"/>), until nothing is gained any more. Layers too wide for that are pruned in one step, as <see cref="SecondOrderPruning"/> does.
/// </summary>
/// <param name="sparsity">Share of weights that are zero afterwards, 0 to 1.</param>
/// <param name="scope">What it is a share of. Over the whole model, layers give up weights by <see cref="SparsitySchedule"/>.</param>
/// <param name="excluded">Layers that keep their weights, and are no part of the share.</param>
/// <exception cref="ArgumentOutOfRangeException"><paramref name="sparsity"/> is not in 0..1.</exception>
public sealed class Surgery(double sparsity, PruningScope scope = PruningScope.Global, ExcludedLayers? excluded = null) : IModelPass
{
    private readonly double sparsity = sparsity is >= 0 and <= 1 ? sparsity : throw new ArgumentOutOfRangeException(nameof(sparsity), sparsity, "A sparsity is a share, 0 to 1.");

    public string Name => "network surgery";

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        if (sparsity == 0)
        {
            return PassOutcome.Refused("A sparsity of 0 removes nothing.");
        }

        long spliced = 0;
        PassOutcome outcome = LayerwisePruning.Apply("Network surgery", model, context, excluded, _ => null, (original, layers) =>
        {
            IReadOnlyDictionary<RefittedLayer, double> shares = SparsitySchedule.For(original, layers, sparsity, scope, context);
            return task =>
            {
                if (task.Layer.Inputs > LayerSurgery.MostInputs)
                {
                    return SecondOrderPruning.Fit(task, shares[task.Layer], context.CancellationToken);
                }

                if (LayerSurgery.Operate(task, shares[task.Layer], context.CancellationToken) is not { } result)
                {
                    return null;
                }

                Interlocked.Add(ref spliced, result.Spliced);
                return result.Weights;
            };
        });
        return outcome.Changed ? outcome with { Explanation = $"{outcome.Explanation} {spliced} weights were spliced back on the way." } : outcome;
    }
}
