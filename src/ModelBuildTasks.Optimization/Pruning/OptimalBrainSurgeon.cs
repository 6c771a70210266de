using System.Numerics.Tensors;
using ModelBuildTasks.Optimization.LeastSquares;
using ModelBuildTasks.Optimization.Pruning.Refitting;

namespace ModelBuildTasks.Optimization.Pruning;

/// <summary>Marks which weights of a block are removed.</summary>
/// <param name="saliency">[outputs, block]: how much the output's squared error grows at least when the weight is.</param>
/// <param name="removed">[outputs, block], all false before.</param>
internal delegate void BlockMask(ReadOnlySpan<float> saliency, Span<bool> removed);

/// <summary>
/// Removes weights so that those that are left make up for it (Hassibi and Stork, "Second order derivatives for network pruning: Optimal Brain Surgeon", 1992), block by
/// block of inputs and with one factorization for all outputs (Frantar and Alistarh, "SparseGPT: Massive Language Models Can Be Accurately Pruned in One-Shot", 2023).
/// </summary>
/// <remarks>
/// With the layer's Hessian H = UᵀU, U upper triangular, the output error is Σₖ Uₖₖ²·(wₖ − ŵₖ + Σⱼ﹥ₖ Uₖⱼ/Uₖₖ·(wⱼ − ŵⱼ))². From the last weight to the first, each weight
/// that stays becomes its target wₖ + Σⱼ﹥ₖ Uₖⱼ/Uₖₖ·(wⱼ − ŵⱼ), which costs nothing, and one that goes costs Uₖₖ² times the square of its target: its saliency. That is
/// SparseGPT without the inverse of the Hessian, as GPTQ is written here. Which weights of a block go is decided when their targets are known: SparseGPT's adaptive mask.
/// </remarks>
internal static class OptimalBrainSurgeon
{
    /// <summary>
    /// Prunes one group of a layer, with the ridge that is best on samples that were not learned from; those that are left are then solved for exactly, as
    /// blocks done early do not see what later ones lose.
    /// </summary>
    /// <param name="order">In which order weights lie in blocks, the bias first.</param>
    /// <param name="mask">Makes a mask that has seen no block.</param>
    /// <returns>[outputs, 1 + inputs]; null where the samples tell nothing.</returns>
    internal static float[]? Fit(RegressionTask task, int[] order, int blockSize, Func<BlockMask> mask, CancellationToken cancellation)
    {
        float[]? Learn(RegressionMoments moments, float damping) => Prune(moments, task.Weights, order, blockSize, mask(), damping, cancellation);
        if (task.BestDamping(task.Outputs, Learn, cancellation) is not { } best)
        {
            return null;
        }

        RegressionMoments all = task.Together();
        return Learn(all, best.Damping) is not { } pruned ? null
            : task.Layer.Inputs > RidgeRefit.MostInputs ? pruned
            : RidgeRefit.Fit(all, task.Outputs, pruned, task.Weights, best.Damping, cancellation) ?? pruned;
    }

    /// <summary>Prunes with one ridge.</summary>
    /// <param name="moments">Those of the group.</param>
    /// <param name="weights">[outputs, 1 + inputs], the bias first; not changed.</param>
    /// <param name="order">In which order weights lie in blocks, the bias first.</param>
    /// <param name="blockSize">Weights of an output that are decided upon together; blocks are laid from the last on.</param>
    /// <returns>The weights that are left, and zeros; null where the samples tell nothing.</returns>
    internal static float[]? Prune(
        RegressionMoments moments, float[] weights, int[] order, int blockSize, BlockMask mask, float damping, CancellationToken cancellation)
    {
        if (moments.Factor(order, damping, cancellation) is not { } factor)
        {
            return null;
        }

        int width = moments.Width;
        int outputs = moments.Outputs;
        float[] best = Unpruned(moments, weights, order, factor, cancellation);
        float[] errors = new float[best.Length];
        float[] targets = new float[outputs * blockSize];
        float[] saliency = new float[outputs * blockSize];
        bool[] removed = new bool[outputs * blockSize];
        float[] result = new float[best.Length];
        for (int end = width; end > 1; end = Math.Max(1, end - blockSize))
        {
            int first = Math.Max(1, end - blockSize);
            int size = end - first;
            Parallel.For(0, outputs, RegressionMoments.Options(cancellation), output =>
            {
                ReadOnlySpan<float> done = errors.AsSpan(output * width + end, width - end);
                for (int k = first; k < end; k++)
                {
                    float pivot = factor[k * width + k];
                    float target = best[output * width + k] + TensorPrimitives.Dot(factor.AsSpan(k * width + end, width - end), done) / pivot;
                    targets[output * size + k - first] = target;
                    saliency[output * size + k - first] = target * pivot * target * pivot;
                }
            });
            Array.Clear(removed);
            mask(saliency.AsSpan(0, outputs * size), removed.AsSpan(0, outputs * size));
            Parallel.For(0, outputs, RegressionMoments.Options(cancellation), output =>
            {
                Span<float> error = errors.AsSpan(output * width, width);
                for (int k = end - 1; k >= first; k--)
                {
                    float target = targets[output * size + k - first] + TensorPrimitives.Dot(factor.AsSpan(k * width + k + 1, end - k - 1), error[(k + 1)..end]) / factor[k * width + k];
                    float kept = removed[output * size + k - first] ? 0 : target;
                    result[output * width + order[k]] = kept;
                    error[k] = best[output * width + k] - kept;
                }
            });
        }

        for (int output = 0; output < outputs; output++)
        {
            // The bias makes up for all weights at once. Without one, its row of the factor holds nothing beside the diagonal.
            result[output * width] = best[output * width] + TensorPrimitives.Dot(factor.AsSpan(1, width - 1), errors.AsSpan(output * width + 1, width - 1)) / factor[0];
        }

        return result;
    }

    /// <summary>The weights of least error before any goes, in the given order: others than the model's own where what it reads has changed.</summary>
    private static float[] Unpruned(RegressionMoments moments, float[] weights, int[] order, float[] factor, CancellationToken cancellation)
    {
        int width = moments.Width;
        float[] best = new float[weights.Length];
        Parallel.For(0, moments.Outputs, RegressionMoments.Options(cancellation), output =>
        {
            ReadOnlySpan<float> own = weights.AsSpan(output * width, width);
            float[] residual = new float[width];
            moments.Residual(own, output, residual);
            Span<float> change = best.AsSpan(output * width, width);
            for (int k = 0; k < width; k++)
            {
                change[k] = residual[order[k]];
            }

            Cholesky.Solve(factor, width, change);
            for (int k = 0; k < width; k++)
            {
                change[k] += own[order[k]];
            }
        });
        return best;
    }
}
