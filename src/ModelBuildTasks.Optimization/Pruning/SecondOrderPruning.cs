using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning.Refitting;

namespace ModelBuildTasks.Optimization.Pruning;

/// <summary>
/// Sets weights to zero by what the layer's result loses on the calibration samples, and lets those that are left make up for it
/// (<see cref="OptimalBrainSurgeon"/>), from layer to layer, each with what the ones before make it read. Zeros without structure make no kernel of ONNX Runtime
/// faster; what shrinks is the compressed download.
/// </summary>
/// <param name="sparsity">Share of weights that are zero afterwards, 0 to 1.</param>
/// <param name="scope">What it is a share of. Over the whole model, layers give up weights by <see cref="SparsitySchedule"/>.</param>
/// <param name="excluded">Layers that keep their weights, and are no part of the share.</param>
/// <exception cref="ArgumentOutOfRangeException"><paramref name="sparsity"/> is not in 0..1.</exception>
public sealed class SecondOrderPruning(double sparsity, PruningScope scope = PruningScope.Global, ExcludedLayers? excluded = null) : IModelPass
{
    /// <summary>Inputs whose weights are decided upon together; SparseGPT found smaller blocks no better.</summary>
    internal const int BlockSize = 128;

    private readonly double sparsity = sparsity is >= 0 and <= 1 ? sparsity : throw new ArgumentOutOfRangeException(nameof(sparsity), sparsity, "A sparsity is a share, 0 to 1.");

    public string Name => "second-order pruning";

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        if (sparsity == 0)
        {
            return PassOutcome.Refused("A sparsity of 0 removes nothing.");
        }

        return LayerwisePruning.Apply("Second-order pruning", model, context, excluded, _ => null, (original, layers) =>
        {
            IReadOnlyDictionary<RefittedLayer, double> shares = SparsitySchedule.For(original, layers, sparsity, scope, context);
            return task => Fit(task, shares[task.Layer], context.CancellationToken);
        });
    }

    /// <summary>Prunes a share of a group's weights; null where the samples tell nothing.</summary>
    internal static float[]? Fit(RegressionTask task, double share, CancellationToken cancellation) =>
        OptimalBrainSurgeon.Fit(task, Order(task.Layer.Inputs), BlockSize, () => new ShareMask(share).Mark, cancellation);

    /// <summary>Prunes a share of a group's weights with a given ridge.</summary>
    internal static float[]? Prune(RegressionMoments moments, float[] weights, double share, float damping, CancellationToken cancellation) =>
        OptimalBrainSurgeon.Prune(moments, weights, Order(moments.Width - 1), BlockSize, new ShareMask(share).Mark, damping, cancellation);

    private static int[] Order(int inputs) => [.. Enumerable.Range(0, 1 + inputs)];
}
