namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>In which order the channels of a set go, and what is lost with each.</summary>
/// <param name="Classes">The least important first.</param>
/// <param name="Losses">What is lost when so many of the first have gone, from none on; not below 0, not falling.</param>
internal sealed record RemovalOrder(int[] Classes, double[] Losses)
{
    /// <summary>What is lost where nothing makes up for it, as when channels are masked; the same as <see cref="Losses"/> unless these count on a refit.</summary>
    internal double[] MaskedLosses { get; init; } = Losses;

    /// <summary>What a loss is measured against is not taken for less: a layer that is lost is lost.</summary>
    private const double LeastRest = 0.01;

    /// <summary>
    /// The loss as noise over what is left of the signal, and not over the whole: a share cannot pass 1, so that the last channels of a layer would seem to cost nothing.
    /// </summary>
    internal static double NoiseOverRest(double share) => share / Math.Max(LeastRest, 1 - share);

    /// <summary>
    /// Takes away, one after the other, the channel that adds least to the loss Σ aᵢⱼ over the removed i and j: with the inner products of what channels
    /// contribute to a sum, the squared error of the sum.
    /// </summary>
    /// <param name="interactions">aᵢⱼ by rows, symmetric, in the order of <paramref name="classes"/>.</param>
    internal static RemovalOrder Of(int[] classes, double[] interactions)
    {
        int count = classes.Length;
        double[] added = [.. Enumerable.Range(0, count).Select(i => interactions[i * count + i])];
        int[] order = new int[count];
        double[] losses = new double[count + 1];
        bool[] isGone = new bool[count];
        for (int step = 0; step < count; step++)
        {
            int next = -1;
            for (int i = 0; i < count; i++)
            {
                next = !isGone[i] && (next < 0 || added[i] < added[next]) ? i : next;
            }

            isGone[next] = true;
            order[step] = classes[next];
            losses[step + 1] = Math.Max(losses[step], losses[step] + added[next]);
            for (int i = 0; i < count; i++)
            {
                added[i] += 2 * interactions[next * count + i];
            }
        }

        return new RemovalOrder(order, losses);
    }
}
