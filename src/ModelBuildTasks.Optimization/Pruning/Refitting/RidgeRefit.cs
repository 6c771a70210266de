using ModelBuildTasks.Optimization.LeastSquares;

namespace ModelBuildTasks.Optimization.Pruning.Refitting;

/// <summary>
/// Sets the weights of an output that are not zero, and its bias, to those of least squared error: min ‖y − z·ŵ‖² + ridge·‖ŵ − a‖² over the ŵ that are zero where
/// w is. The ridge holds weights near the anchor a where the samples say little of them.
/// </summary>
internal static class RidgeRefit
{
    /// <summary>More weights of an output than those of a 3×3 filter over 256 channels are not solved for: that takes longer than it is worth.</summary>
    internal const int MostInputs = 2304;

    /// <summary>Fits outputs.</summary>
    /// <param name="outputs">Which ones; the others stay as they are.</param>
    /// <param name="weights">[outputs, 1 + inputs], the bias first; not changed.</param>
    /// <param name="anchor">What the ridge holds them near, [outputs, 1 + inputs].</param>
    /// <returns>The fitted weights; null where the samples tell nothing.</returns>
    internal static float[]? Fit(
        RegressionMoments moments, IReadOnlyList<int> outputs, float[] weights, float[] anchor, float damping, CancellationToken cancellation)
    {
        if (!(moments.MeanMoment > 0))
        {
            return null;
        }

        float[] result = [.. weights];
        // Outputs without a zero, all of them after whole channels went, are solved for with one factor: it takes the third power of the inputs, a solution the second.
        int[] every = [.. Enumerable.Range(0, moments.Width)];
        float[]? shared = outputs.Any(IsWhole) ? moments.Factor(every, damping, cancellation) : null;
        Parallel.ForEach(outputs, RegressionMoments.Options(cancellation), output =>
        {
            Range row = (output * moments.Width)..((output + 1) * moments.Width);
            if (!IsWhole(output))
            {
                FitOutput(moments, output, damping, anchor.AsSpan(row), result.AsSpan(row), cancellation);
            }
            else if (shared is not null)
            {
                Solve(moments, output, damping, every, shared, anchor.AsSpan(row), result.AsSpan(row));
            }
        });
        return result;

        bool IsWhole(int output) => !weights.AsSpan(output * moments.Width + 1, moments.Width - 1).Contains(0f);
    }

    /// <summary>Fits one output in place; leaves it as it is where its inputs are no basis in single precision.</summary>
    /// <returns>What was solved with: the weights that are not zero, and the factor of their moments; null where it was left.</returns>
    internal static (int[] Support, float[] Factor)? FitOutput(
        RegressionMoments moments, int output, float damping, ReadOnlySpan<float> anchor, Span<float> weights, CancellationToken cancellation)
    {
        List<int> support = new(weights.Length);
        for (int i = 0; i < weights.Length; i++)
        {
            if (weights[i] != 0 || i == 0)
            {
                support.Add(i);
            }
        }

        int[] order = [.. support];
        if (moments.Factor(order, damping, cancellation) is not { } factor)
        {
            return null;
        }

        Solve(moments, output, damping, order, factor, anchor, weights);
        return (order, factor);
    }

    private static void Solve(RegressionMoments moments, int output, float damping, int[] order, float[] factor, ReadOnlySpan<float> anchor, Span<float> weights)
    {
        float ridge = damping * moments.MeanMoment;
        float[] residual = new float[weights.Length];
        moments.Residual(weights, output, residual);
        float[] change = new float[order.Length];
        for (int i = 0; i < change.Length; i++)
        {
            change[i] = residual[order[i]] + (order[i] == 0 ? 0 : ridge * (anchor[order[i]] - weights[order[i]]));
        }

        Cholesky.Solve(factor, change.Length, change);
        for (int i = 0; i < change.Length; i++)
        {
            weights[order[i]] += change[i];
        }
    }
}
