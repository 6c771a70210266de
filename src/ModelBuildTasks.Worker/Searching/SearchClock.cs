using System.Diagnostics;

namespace ModelBuildTasks.Worker.Searching;

/// <summary>The time that a search has.</summary>
internal sealed class SearchClock : IDisposable
{
    /// <summary>Of a project that writes no ModelOptimizationTimeout.</summary>
    private static readonly TimeSpan Default = TimeSpan.FromMinutes(5);

    /// <summary>Seconds from which on a limit is none: timers take 49.7 days.</summary>
    private const double Longest = uint.MaxValue / 1000.0;

    /// <summary>What is shorter is over: timers count milliseconds, and may be late by more.</summary>
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);

    /// <summary>The share of the limit that is left to measure what was chosen.</summary>
    private const double FinishingShare = 0.1;

    private readonly Stopwatch watch = Stopwatch.StartNew();
    private readonly CancellationToken cancellation;
    private readonly CancellationTokenSource source;

    private SearchClock(CancellationToken cancellation)
    {
        this.cancellation = cancellation;
        source = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
    }

    /// <summary>Ends a trial when the time is up.</summary>
    internal CancellationToken Token => source.Token;

    /// <summary>Whether it was the time that ended a trial, and not whoever runs the build.</summary>
    internal bool IsUp => source.IsCancellationRequested && !cancellation.IsCancellationRequested;

    internal TimeSpan Elapsed => watch.Elapsed;

    public void Dispose() => source.Dispose();

    /// <param name="seconds">The project's ModelOptimizationTimeout, within which also what is best by then is measured with care; null or 0 where it writes none.</param>
    /// <param name="cancellation">Ends the build.</param>
    internal static SearchClock Start(double? seconds, CancellationToken cancellation)
    {
        SearchClock clock = new(cancellation);
        TimeSpan limit = seconds is null or < Longest ? (seconds is > 0 and var written ? TimeSpan.FromSeconds(written) : Default) * (1 - FinishingShare) : Timeout.InfiniteTimeSpan;
        if (limit >= TimeSpan.Zero && limit < Shortest)
        {
            clock.source.Cancel();
        }
        else
        {
            clock.source.CancelAfter(limit);
        }

        return clock;
    }
}
