using ModelBuildTasks.Evaluation.Statistics;

namespace ModelBuildTasks.Evaluation.Latency;

/// <summary>Times one action by itself, where there is nothing to compare it with. Other processes are part of what is measured.</summary>
/// <param name="Milliseconds">Median of one run.</param>
/// <param name="Runs">Runs that were timed.</param>
/// <param name="ProcessorTime">Processor time of this process over elapsed time: 1 is one core that is always busy.</param>
public sealed record SoloTiming(Estimate Milliseconds, int Runs, double ProcessorTime)
{
    /// <summary>The first runs allocate memory and are translated; they do not count.</summary>
    private const int WarmUpRuns = 5;

    private const int FewestRuns = 3;

    private const int MostRuns = 1000;

    /// <summary>Looks come at counts that grow by this factor, so that their cost does not matter.</summary>
    private const double LookGrowth = 1.5;

    /// <summary>Runs an action until its median is settled or the time is up.</summary>
    /// <param name="action">What is timed.</param>
    /// <param name="settings">Time limit, confidence, precision and seed.</param>
    /// <param name="cancellation">Stops between runs.</param>
    public static SoloTiming Run(Action action, LatencySettings settings, CancellationToken cancellation = default) =>
        Run(action, settings, TimeProvider.System, () => Environment.CpuUsage.TotalTime, cancellation);

    internal static SoloTiming Run(Action action, LatencySettings settings, TimeProvider clock, Func<TimeSpan> processorTime, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(action);
        ArgumentNullException.ThrowIfNull(settings);
        long start = clock.GetTimestamp();
        for (int run = 0; run < WarmUpRuns && (run == 0 || clock.GetElapsedTime(start) < settings.TimeLimit / 2); run++)
        {
            cancellation.ThrowIfCancellationRequested();
            action();
        }

        List<double> milliseconds = [];
        TimeSpan busy = processorTime();
        long begin = clock.GetTimestamp();
        int nextLook = FewestRuns * FewestRuns;
        bool settled = false;
        while (!settled && milliseconds.Count < MostRuns && (milliseconds.Count < FewestRuns || clock.GetElapsedTime(start) < settings.TimeLimit))
        {
            cancellation.ThrowIfCancellationRequested();
            long one = clock.GetTimestamp();
            action();
            milliseconds.Add(clock.GetElapsedTime(one).TotalMilliseconds);
            if (milliseconds.Count >= nextLook)
            {
                nextLook = (int)(nextLook * LookGrowth) + 1;
                settled = LatencyStatistics.IsSettled(LatencyStatistics.Median(milliseconds, settings), settings);
            }
        }

        TimeSpan elapsed = clock.GetElapsedTime(begin);
        return new SoloTiming(LatencyStatistics.Median(milliseconds, settings), milliseconds.Count, elapsed > TimeSpan.Zero ? (processorTime() - busy) / elapsed : 0);
    }
}
