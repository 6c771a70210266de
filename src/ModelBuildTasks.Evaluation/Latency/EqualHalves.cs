namespace ModelBuildTasks.Evaluation.Latency;

/// <summary>
/// Runs of two actions that take about the same time. Either half of a pair then meets a disturbance as likely as the other, and as the order within pairs is drawn by lot, the ratio is as often above
/// the true one as below it, whatever the disturbance. With one run each, a process that takes turns on the core would hit the slower action more often.
/// </summary>
internal static class EqualHalves
{
    /// <summary>A half should take this long, so that the clock's and the scheduler's grain do not show.</summary>
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);

    /// <summary>Share by which halves may differ where no more than <see cref="MostStretch"/> times the runs, and <see cref="LongestShare"/> of the time limit, make them equal.</summary>
    private const double EqualWithin = 0.02;
    private const int MostStretch = 10;
    private const double LongestShare = 0.01;

    /// <summary>Halves that take this share of the time limit are left alone: few pairs fit into it, and a long run averages over what disturbs it.</summary>
    private const double LongShare = 0.03;
    private const int MostRuns = 1000;

    /// <param name="first">Seconds of one run of the first action.</param>
    /// <param name="second">Seconds of one run of the second action.</param>
    /// <param name="limit">The time limit of all of the measuring.</param>
    /// <returns>Runs of each in a half, 1 to 1000.</returns>
    internal static (int First, int Second) Of(double first, double second, TimeSpan limit)
    {
        double slower = Math.Max(first, second);
        double faster = Math.Max(Math.Min(first, second), slower / MostRuns);
        if (slower <= 0 || slower > limit.TotalSeconds * LongShare)
        {
            return slower <= 0 ? (MostRuns, MostRuns) : (1, 1);
        }

        int fewest = Math.Clamp((int)Math.Ceiling(Shortest.TotalSeconds / slower), 1, MostRuns);
        int most = Math.Clamp((int)(limit.TotalSeconds * LongestShare / slower), fewest, fewest * MostStretch);
        int[] candidates = [.. Enumerable.Range(fewest, most - fewest + 1)];
        int runs = candidates.FirstOrDefault(count => Imbalance(count) <= EqualWithin);
        runs = runs > 0 ? runs : candidates.MinBy(Imbalance);
        int others = Others(runs);
        return first >= second ? (runs, others) : (others, runs);

        int Others(int count) => Math.Min(MostRuns, (int)Math.Round(count * slower / faster));
        double Imbalance(int count) => Math.Abs(count * slower / (Others(count) * faster) - 1);
    }
}
