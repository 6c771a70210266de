using System.Diagnostics;

namespace ModelBuildTasks.Worker.Searching;

/// <summary>The time that a search has.</summary>
/// <param name="limit">How long it may look for something better; what is best by then is measured with care after it.</param>
/// <param name="cancellation">Ends the build.</param>
internal sealed class SearchClock(TimeSpan limit, CancellationToken cancellation) : IDisposable
{
    /// <summary>Of a project that writes no ModelOptimizationTimeout.</summary>
    internal static readonly TimeSpan Default = TimeSpan.FromMinutes(5);

    /// <summary>Seconds from which on a limit is none: timers take 49.7 days.</summary>
    internal const double Longest = uint.MaxValue / 1000.0;

    /// <summary>The share of the limit that is left to measure what was chosen.</summary>
    private const double FinishingShare = 0.1;

    private readonly Stopwatch watch = Stopwatch.StartNew();
    private readonly CancellationTokenSource source = Linked(limit, cancellation);

    /// <summary>Ends a trial when the time is up.</summary>
    internal CancellationToken Token => source.Token;

    /// <summary>Whether it was the time that ended a trial, and not whoever runs the build.</summary>
    internal bool IsUp => source.IsCancellationRequested && !cancellation.IsCancellationRequested;

    internal TimeSpan Elapsed => watch.Elapsed;

    public void Dispose() => source.Dispose();

    private static CancellationTokenSource Linked(TimeSpan limit, CancellationToken cancellation)
    {
        CancellationTokenSource source = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (limit != Timeout.InfiniteTimeSpan)
        {
            source.CancelAfter(limit * (1 - FinishingShare));
        }

        return source;
    }
}
