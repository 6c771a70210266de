namespace ModelBuildTasks.Optimization.Pruning.Refitting;

/// <summary>The least squares of one group of a layer.</summary>
/// <param name="Weights">Those that the model has, [outputs, 1 + inputs], the bias first.</param>
/// <param name="Learned">Half of the samples, to learn from.</param>
/// <param name="Checked">The other half, to check by.</param>
internal sealed record RegressionTask(RefittedLayer Layer, float[] Weights, RegressionMoments Learned, RegressionMoments Checked)
{
    /// <summary>Ridges that are tried, as shares of the mean moment of the inputs, the most cautious first. The last but one is GPTQ's.</summary>
    private static readonly float[] Dampings = [1, 0.1f, 0.01f, 0.001f];

    /// <summary>All outputs of the group.</summary>
    internal IReadOnlyList<int> Outputs { get; } = [.. Enumerable.Range(0, Learned.Outputs)];

    /// <summary>
    /// The ridge with which weights learned from one half of the samples err least on the other: few samples of many inputs are learned by heart without
    /// one. Of a single sample nothing is left to check by, and the most cautious is taken.
    /// </summary>
    /// <param name="outputs">The outputs by which ridges are judged.</param>
    /// <param name="learn">Weights learned from moments with a ridge; null where they cannot be.</param>
    /// <returns>The ridge and its error on the half that was not learned from; null where none gives weights.</returns>
    internal (float Damping, double Error)? BestDamping(IReadOnlyList<int> outputs, Func<RegressionMoments, float, float[]?> learn, CancellationToken cancellation)
    {
        (float Damping, double Error)? best = null;
        foreach (float damping in Dampings)
        {
            if (learn(Learned, damping) is { } weights && Checked.Error(weights, outputs, cancellation) is var error && (best is null || error < best.Value.Error))
            {
                best = (damping, error);
            }
        }

        return best;
    }

    /// <summary>The moments of all samples. Those to learn from become them, so that this is the last step.</summary>
    internal RegressionMoments Together()
    {
        Learned.Add(Checked);
        return Learned;
    }
}
