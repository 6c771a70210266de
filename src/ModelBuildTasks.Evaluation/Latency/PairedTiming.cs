namespace ModelBuildTasks.Evaluation.Latency;

/// <summary>
/// Times two actions in turns. Each pair runs both back to back in random order, so that frequency changes, heat and other processes meet both alike.
/// </summary>
internal sealed class PairedTiming(Action first, Action second, LatencySettings settings, TimeProvider clock)
{
    // Warm-up ends when the best of a round is no better than the best before it by this share.
    private const double StableWithin = 0.02;
    private const int WarmUpRound = 5;
    private const double WarmUpShare = 0.3;
    private const int FewestPairs = 15;

    // A disturbance lasts some tens of milliseconds; measuring must go on for several of them before it may end early.
    private const double ShortestShare = 0.1;

    // The interval narrows with the root of the count; more than this buys little, and disturbances that remain are not noise.
    private const int MostPairs = 1000;

    // Looks come at counts that grow by this factor, so that their number stays small and their cost does not matter.
    private const double LookGrowth = 1.3;

    // Warm-up can be wrong in how long the halves take; less than this the first pairs, whose noise it is, can't tell.
    private const double Unequal = 0.04;

    /// <summary>Measures until the ratio is settled or the time is up; seconds a run of each pair, in order.</summary>
    internal (List<(double First, double Second)> Pairs, bool Settled) Measure(CancellationToken cancellation = default)
    {
        long start = clock.GetTimestamp();
        (int firstRuns, int secondRuns) = Halves(WarmUp(first, start, WarmUpShare / 2), WarmUp(second, start, WarmUpShare));
        Random order = new(settings.Seed);
        List<(double First, double Second)> pairs = [];
        int nextLook = FewestPairs;
        bool settled = false;
        bool isBalanced = false;
        while (!settled && pairs.Count < MostPairs && (pairs.Count < FewestPairs || clock.GetElapsedTime(start) < settings.TimeLimit))
        {
            cancellation.ThrowIfCancellationRequested();
            if (order.Next(2) == 0)
            {
                double a = Time(first, firstRuns);
                pairs.Add((a, Time(second, secondRuns)));
            }
            else
            {
                double b = Time(second, secondRuns);
                pairs.Add((Time(first, firstRuns), b));
            }

            if (pairs.Count < nextLook || clock.GetElapsedTime(start) < settings.TimeLimit * ShortestShare)
            {
                continue;
            }

            if (!isBalanced && Halves(pairs.Average(pair => pair.First), pairs.Average(pair => pair.Second)) is var balanced && Differ(balanced, (firstRuns, secondRuns)))
            {
                // A disturbed warm-up took one action for slower than it is.
                (firstRuns, secondRuns) = balanced;
                pairs.Clear();
            }
            else
            {
                nextLook = (int)(nextLook * LookGrowth) + 1;
                settled = LatencyStatistics.IsSettled(LatencyStatistics.Ratio(pairs, settings), settings);
            }

            isBalanced = true;
        }

        return (pairs, settled || LatencyStatistics.IsSettled(LatencyStatistics.Ratio(pairs, settings), settings));
    }

    /// <summary>Runs until it gets no faster, within a share of the time limit; the best seconds a run.</summary>
    private double WarmUp(Action action, long start, double share)
    {
        double best = Time(action, 1);
        while (clock.GetElapsedTime(start) < settings.TimeLimit * share)
        {
            double round = double.PositiveInfinity;
            for (int i = 0; i < WarmUpRound; i++)
            {
                round = Math.Min(round, Time(action, 1));
            }

            bool stable = round >= best * (1 - StableWithin);
            best = Math.Min(best, round);
            if (stable)
            {
                break;
            }
        }

        return best;
    }

    private (int First, int Second) Halves(double firstSeconds, double secondSeconds) => EqualHalves.Of(firstSeconds, secondSeconds, settings.TimeLimit);

    /// <summary>Whether one relation of runs makes halves more unequal than noise does, where the other makes them equal.</summary>
    private static bool Differ((int First, int Second) a, (int First, int Second) b) =>
        Math.Abs(Math.Log((double)a.First * b.Second / (a.Second * b.First))) > Math.Log(1 + Unequal);

    private double Time(Action action, int runs)
    {
        long start = clock.GetTimestamp();
        for (int i = 0; i < runs; i++)
        {
            action();
        }

        return clock.GetElapsedTime(start).TotalSeconds / runs;
    }
}
