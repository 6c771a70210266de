using ModelBuildTasks.Optimization.LeastSquares;
using ModelBuildTasks.Optimization.Pruning.Refitting;

namespace ModelBuildTasks.Optimization.Pruning;

/// <summary>
/// Surgery on one group of a layer. What a kept weight is worth is the error that its removal costs at least, ŵ²/[H⁻¹]ₖₖ over the weights of its output that are
/// kept; what a removed one is worth is the error that it would save by itself, g²/Hₖₖ, with g the slope of the error there. In place of a weight's magnitude, in
/// which the paper states its thresholds, stands the square root of that worth.
/// </summary>
internal sealed class LayerSurgery
{
    /// <summary>
    /// Every round solves for the weights of all outputs that changed: more of them than a 3×3 filter over 128 channels has would take minutes a layer.
    /// </summary>
    internal const int MostInputs = 1152;

    /// <summary>Weights whose worth is below this share of the threshold may go, and such as are above the other may come back (the paper's own implementation): between the two they stay as they are.</summary>
    private const float PruneBelow = 0.9f, SpliceAbove = 1.1f;

    /// <summary>The sparsity is reached in so many steps, of which later ones remove less (Zhu and Gupta, "To prune, or not to prune", 2017, equation 1).</summary>
    private const int Steps = 3;

    /// <summary>Exchanges of a round, as a share of the kept weights: what each is worth was told for it alone.</summary>
    private const double MostExchanged = 0.05;

    /// <summary>Rounds of the last step. Most layers settle before.</summary>
    private const int MostRounds = 10;

    /// <summary>Rounds of the steps before, whose choice the next step changes anyway.</summary>
    private const int RoundsBetween = 2;

    /// <summary>A round that lessens the error by less than this share has settled.</summary>
    private const double Settled = 0.005;

    private readonly RegressionMoments moments;
    private readonly float[] anchor;
    private readonly float damping;
    private readonly CancellationToken cancellation;
    private readonly int width;

    /// <summary>[outputs, 1 + inputs].</summary>
    private float[] weights;

    /// <summary>What each weight is worth, of kept ones when removed, of removed ones when spliced back: [outputs, 1 + inputs].</summary>
    private float[] worth;

    /// <summary>What removed weights would become by themselves.</summary>
    private float[] missed;

    /// <summary>The regularized error of each output.</summary>
    private double[] errors;

    private LayerSurgery(RegressionMoments moments, float[] dense, float damping, CancellationToken cancellation)
    {
        this.moments = moments;
        this.damping = damping;
        this.cancellation = cancellation;
        width = moments.Width;
        anchor = dense;
        weights = [.. dense];
        worth = new float[dense.Length];
        missed = new float[dense.Length];
        errors = new double[moments.Outputs];
    }

    /// <summary>Removes a share of a group's weights.</summary>
    /// <returns>The weights, [outputs, 1 + inputs], and how many were spliced back on the way; null where the samples tell nothing.</returns>
    internal static (float[] Weights, int Spliced)? Operate(RegressionTask task, double share, CancellationToken cancellation)
    {
        if (task.BestDamping(task.Outputs, (moments, damping) => SecondOrderPruning.Prune(moments, task.Weights, share, damping, cancellation), cancellation) is not { } best)
        {
            return null;
        }

        LayerSurgery surgery = new(task.Together(), task.Weights, best.Damping, cancellation);
        surgery.Refit(Enumerable.Range(0, surgery.moments.Outputs));
        int spliced = 0;
        for (int step = 1; step <= Steps; step++)
        {
            double reached = step == Steps ? share : share * (1 - Math.Pow(1 - step / (double)Steps, 3));
            surgery.RemoveUntil(reached);
            spliced += surgery.Splice(step == Steps ? MostRounds : RoundsBetween);
        }

        return (surgery.weights, spliced);
    }

    /// <summary>Removes the kept weights of least worth until the share of all is gone.</summary>
    private void RemoveUntil(double share)
    {
        int[] kept = Positions(isKept: true);
        int all = moments.Outputs * (width - 1);
        int count = (int)Math.Round(share * all, MidpointRounding.AwayFromZero) - (all - kept.Length);
        if (count <= 0)
        {
            return;
        }

        int[] least = kept[..count];
        foreach (int position in least)
        {
            weights[position] = 0;
        }

        Refit(least.Select(position => position / width).Distinct());
    }

    /// <summary>Exchanges kept weights for removed ones of more worth, as long as the error falls.</summary>
    /// <returns>How many came back.</returns>
    private int Splice(int rounds)
    {
        int spliced = 0;
        double limit = MostExchanged;
        for (int round = 0; round < rounds; round++)
        {
            int[] kept = Positions(isKept: true);
            int[] removed = Positions(isKept: false);
            int most = (int)Math.Min(Math.Min(kept.Length, removed.Length), Math.Ceiling(limit * kept.Length));
            int count = 0;
            while (count < most && IsWorthMore(removed[^(count + 1)], kept[count]))
            {
                count++;
            }

            if (count == 0)
            {
                break;
            }

            (float[] Weights, float[] Worth, float[] Missed, double[] Errors) before = (weights, worth, missed, errors);
            (weights, worth, missed, errors) = ([.. weights], [.. worth], [.. missed], [.. errors]);
            for (int i = 0; i < count; i++)
            {
                weights[removed[^(i + 1)]] = before.Missed[removed[^(i + 1)]];
                weights[kept[i]] = 0;
            }

            Refit(kept[..count].Concat(removed[^count..]).Select(position => position / width).Distinct());
            double gain = before.Errors.Sum() - errors.Sum();
            if (!(gain > 0))
            {
                (weights, worth, missed, errors) = before;
                limit /= 4;
                continue;
            }

            spliced += count;
            if (gain < Settled * before.Errors.Sum())
            {
                break;
            }
        }

        return spliced;
    }

    /// <summary>Whether some threshold has the one above its upper bound and the other below its lower one.</summary>
    private bool IsWorthMore(int removed, int kept) => MathF.Sqrt(worth[removed]) * PruneBelow > MathF.Sqrt(worth[kept]) * SpliceAbove;

    /// <summary>Positions of weights, the least worth first.</summary>
    private int[] Positions(bool isKept)
    {
        int[] positions = [.. Enumerable.Range(0, weights.Length).Where(i => i % width != 0 && weights[i] != 0 == isKept)];
        Array.Sort(Array.ConvertAll(positions, position => worth[position]), positions);
        return positions;
    }

    /// <summary>Solves for the kept weights of some outputs, and tells what each weight is then worth.</summary>
    private void Refit(IEnumerable<int> outputs) => Parallel.ForEach(outputs, RegressionMoments.Options(cancellation), output =>
    {
        Range row = (output * width)..((output + 1) * width);
        Span<float> own = weights.AsSpan(row);
        float ridge = damping * moments.MeanMoment;
        (int[] Support, float[] Factor)? solved = RidgeRefit.FitOutput(moments, output, damping, anchor.AsSpan(row), own, cancellation);
        float[] residual = new float[width];
        moments.Residual(own, output, residual);
        double error = moments.Error(own, output);
        for (int k = 1; k < width; k++)
        {
            float away = anchor[output * width + k] - own[k];
            float slope = residual[k] + ridge * away;
            float curvature = moments.Products(k)[k] + ridge;
            missed[output * width + k] = slope / curvature;
            worth[output * width + k] = slope * slope / curvature;
            error += ridge * away * away;
        }

        errors[output] = error;
        if (solved is { } basis)
        {
            float[] inverse = Cholesky.InverseDiagonal(basis.Factor, basis.Support.Length);
            for (int i = 1; i < basis.Support.Length; i++)
            {
                worth[output * width + basis.Support[i]] = own[basis.Support[i]] * own[basis.Support[i]] / inverse[i];
            }
        }
    });
}
