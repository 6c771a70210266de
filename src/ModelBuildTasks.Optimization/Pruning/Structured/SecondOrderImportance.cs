namespace ModelBuildTasks.Optimization.Pruning.Structured;

/// <summary>
/// The importance of channels by what the layers that read them lose after the weights that are left have made up for it as well as they can, which the refit then does: the error of
/// the group that Optimal Brain Surgeon removes (<see cref="GroupElimination"/>). Of two channels that tell the same, one is superfluous.
/// </summary>
internal static class SecondOrderImportance
{
    /// <summary>An elimination takes the third power of a reader's inputs, for each set that it reads: more than those of a 3×3 filter over 128 channels would take longer than the refit.</summary>
    private const int MostInputs = 1152;

    /// <param name="readers">The layers that read the set.</param>
    /// <param name="members">From a class to its place in the set.</param>
    /// <param name="interactions">What the readers lose when nothing makes up for it, as <see cref="RemovalOrder.Of"/> takes it.</param>
    /// <returns>Null where a reader is too wide, its samples do not tell enough, or single precision cannot hold what they tell.</returns>
    internal static RemovalOrder? Of(
        DependencyGraph graph, ChannelSet set, IReadOnlyList<ContractionMoments> readers, IReadOnlyDictionary<int, int> members, double[] interactions, CancellationToken cancellation)
    {
        if (readers.Any(reader => reader.Inputs > MostInputs))
        {
            return null;
        }

        (GroupElimination Elimination, int[][] Groups, double Power)?[] started = [.. readers.Select(reader => reader.Eliminate(members, graph, cancellation))];
        if (Array.Exists(started, reader => reader is null))
        {
            return null;
        }

        (GroupElimination Elimination, int[][] Groups, double Power)[] eliminations = Array.ConvertAll(started, reader => reader!.Value);
        int count = members.Count;
        int[] order = new int[count];
        double[] losses = new double[count + 1];
        double[] masked = new double[count + 1];
        double[] added = new double[count];
        for (int step = 0; step < count; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            Parallel.For(0, count, channel => added[channel] = order.AsSpan(0, step).Contains(channel) ? double.PositiveInfinity : eliminations.Average(reader => Loss(reader, channel)));
            int next = Array.IndexOf(added, added.Min());
            if (double.IsNaN(added[next]))
            {
                return null;
            }

            double alone = interactions[next * count + next] + 2 * order.Take(step).Sum(gone => interactions[gone * count + next]);
            losses[step + 1] = losses[step] + added[next];
            masked[step + 1] = Math.Max(masked[step], masked[step] + alone);
            order[step] = next;
            foreach ((GroupElimination elimination, int[][] groups, _) in eliminations)
            {
                elimination.Remove(groups[next], cancellation);
            }
        }

        return new RemovalOrder(Array.ConvertAll(order, channel => set.Classes[channel]), losses) { MaskedLosses = masked };
    }

    private static double Loss((GroupElimination Elimination, int[][] Groups, double Power) reader, int channel) =>
        Math.Max(0, reader.Elimination.LossOf(reader.Groups[channel])) / reader.Power;
}
