using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning.Refitting;

namespace ModelBuildTasks.Optimization.Pruning;

/// <summary>
/// How much of each layer is removed. Over the whole model, a layer gives up weights for as long as they cost it less than they would cost others: the price of a
/// weight is what the layer's result then errs more, as a share of the result's own energy, on samples that were not learned from.
/// </summary>
internal static class SparsitySchedule
{
    /// <summary>Where the error of a layer is looked at; between two of them it is taken as a straight line.</summary>
    private static readonly double[] Shares = [0.2, 0.35, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1];

    /// <summary>The shares of the layers' weights that make <paramref name="sparsity"/> of all their weights together.</summary>
    /// <param name="model">The model as it is, nothing of it pruned yet.</param>
    /// <exception cref="Quantization.Calibration.CalibrationException">There is no sample, or one cannot be run.</exception>
    internal static IReadOnlyDictionary<RefittedLayer, double> For(Model model, IReadOnlyList<RefittedLayer> layers, double sparsity, PruningScope scope, PassContext context)
    {
        if (scope == PruningScope.Local || layers.Count == 1)
        {
            return layers.ToDictionary(layer => layer, _ => sparsity);
        }

        Dictionary<RefittedLayer, (double Energy, double[] Errors)[]> groups = layers.ToDictionary(layer => layer, layer => new (double, double[])[layer.Groups]);
        LayerwiseFit.Look(model, layers[0].Node.Graph.Model, layers, context, (task, group) => groups[task.Layer][group] = (task.Checked.Energy, Errors(task, context.CancellationToken)));
        double[] shares = Allocate(
            [.. layers.Select(layer => (long)layer.Inputs * layer.Outputs)],
            [.. layers.Select(layer => Relative(groups[layer]))],
            sparsity);
        return layers.Zip(shares).ToDictionary(pair => pair.First, pair => pair.Second);
    }

    /// <summary>The errors of a layer's groups together as shares of their energy, added in the order of the groups: threads bring them in any.</summary>
    private static double[] Relative((double Energy, double[] Errors)[] groups)
    {
        double energy = groups.Sum(group => group.Energy);
        return [.. Shares.Select((_, i) => energy > 0 ? groups.Sum(group => group.Errors[i]) / energy : 0)];
    }

    /// <summary>Takes weights where the next ones are cheapest until enough are taken.</summary>
    /// <param name="weights">How many each layer has.</param>
    /// <param name="errors">For each layer, its relative error at each of <see cref="Shares"/>.</param>
    /// <returns>A share for each layer.</returns>
    internal static double[] Allocate(long[] weights, double[][] errors, double sparsity)
    {
        double[] shares = new double[weights.Length];
        int[] reached = new int[weights.Length];
        double left = sparsity * weights.Sum();
        while (left > 0)
        {
            // All points ahead count, not the next alone: behind a dear step, cheap ones may follow.
            (int layer, int point) = (
                from l in Enumerable.Range(0, weights.Length)
                from p in Enumerable.Range(reached[l], Shares.Length - reached[l])
                orderby (errors[l][p] - (reached[l] == 0 ? 0 : errors[l][reached[l] - 1])) / (weights[l] * (Shares[p] - shares[l]))
                select (l, p)).First();
            double taken = Math.Min(left, weights[layer] * (Shares[point] - shares[layer]));
            left = taken < left ? left - taken : 0;
            shares[layer] = taken < weights[layer] * (Shares[point] - shares[layer]) ? shares[layer] + taken / weights[layer] : Shares[point];
            reached[layer] = point + 1;
        }

        return shares;
    }

    private static double[] Errors(RegressionTask task, CancellationToken cancellation)
    {
        float[]? Pruned(RegressionMoments moments, double share, float damping) => SecondOrderPruning.Prune(moments, task.Weights, share, damping, cancellation);
        const double Middle = 0.5;
        if (task.BestDamping(task.Outputs, (moments, damping) => Pruned(moments, Middle, damping), cancellation) is not { } best)
        {
            return new double[Shares.Length];
        }

        double[] errors = Array.ConvertAll(Shares, share => Pruned(task.Learned, share, best.Damping) is { } weights ? Math.Max(0, task.Checked.Error(weights, task.Outputs, cancellation)) : 0);
        for (int i = 1; i < errors.Length; i++)
        {
            errors[i] = Math.Max(errors[i], errors[i - 1]);
        }

        return errors;
    }
}
