namespace ModelBuildTasks.Evaluation.Latency;

/// <summary>
/// Times two models against each other in one run: interleaved, in an order drawn anew for each pair, after a warm-up, until the
/// interval of the ratio is narrow or the time is up. Only the ratio is comparable between machines; the medians are of this one.
/// </summary>
public static class LatencyComparison
{
    /// <summary>Fewer pairs give no interval worth the name.</summary>
    private const int FewestPairs = 20;

    private const int MostPairs = 2000;

    /// <summary>Warm-up ends when a model's time no longer falls: caches are filled, threads have started, clocks are up.</summary>
    private const int FewestWarmUps = 3;

    /// <summary>An interval of ±1 % of the ratio decides any budget that people write.</summary>
    private const double NarrowEnough = 0.02;

    /// <summary>Runs the comparison.</summary>
    /// <param name="original">Runs the original once on the input of that index.</param>
    /// <param name="optimized">Runs the optimized model once on the input of that index.</param>
    /// <param name="inputs">Number of inputs; pairs take them in turn.</param>
    /// <param name="limit">Time for everything, the warm-up included.</param>
    /// <param name="clock">Where time comes from.</param>
    /// <param name="progress">Told the share of the time that is used.</param>
    /// <param name="cancellation">Ends the comparison.</param>
    public static LatencyRatio Run(
        Action<int> original, Action<int> optimized, int inputs, TimeSpan limit, TimeProvider clock, IProgress<double>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(inputs);
        long start = clock.GetTimestamp();
        WarmUp(original, limit / 10, clock);
        WarmUp(optimized, limit / 10, clock);
        Random order = new(Seed: 0);
        List<double> originalTimes = [];
        List<double> optimizedTimes = [];
        int nextCheck = FewestPairs;
        while (originalTimes.Count < MostPairs)
        {
            cancellation.ThrowIfCancellationRequested();
            int input = originalTimes.Count % inputs;
            if (order.Next(2) == 0)
            {
                originalTimes.Add(Time(original, input, clock));
                optimizedTimes.Add(Time(optimized, input, clock));
            }
            else
            {
                optimizedTimes.Add(Time(optimized, input, clock));
                originalTimes.Add(Time(original, input, clock));
            }

            TimeSpan used = clock.GetElapsedTime(start);
            progress?.Report(Math.Min(1, used / limit));
            if (originalTimes.Count == nextCheck)
            {
                LatencyRatio found = LatencyRatio.Of(originalTimes, optimizedTimes);
                if (used >= limit || found.High - found.Low <= NarrowEnough * found.Ratio)
                {
                    return found;
                }

                // Looking after every pair would stop at a lucky moment; looking at growing distances rarely does.
                nextCheck = originalTimes.Count * 3 / 2;
            }
            else if (used >= limit && originalTimes.Count >= FewestPairs)
            {
                break;
            }
        }

        return LatencyRatio.Of(originalTimes, optimizedTimes);
    }

    private static void WarmUp(Action<int> run, TimeSpan limit, TimeProvider clock)
    {
        long start = clock.GetTimestamp();
        double best = double.PositiveInfinity;
        int withoutGain = 0;
        while (withoutGain < FewestWarmUps && (clock.GetElapsedTime(start) < limit || double.IsPositiveInfinity(best)))
        {
            double time = Time(run, 0, clock);
            withoutGain = time < best * 0.98 ? 0 : withoutGain + 1;
            best = Math.Min(best, time);
        }
    }

    private static double Time(Action<int> run, int input, TimeProvider clock)
    {
        long start = clock.GetTimestamp();
        run(input);
        return clock.GetElapsedTime(start).TotalMilliseconds;
    }
}
