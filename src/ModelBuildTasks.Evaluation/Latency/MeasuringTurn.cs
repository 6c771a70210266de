namespace ModelBuildTasks.Evaluation.Latency;

/// <summary>The machine's turn to measure: only one process at a time holds it. A process that dies gives it back.</summary>
internal sealed class MeasuringTurn : IDisposable
{
    private const string Name = "ModelBuildTasks.Latency";
    private static readonly TimeSpan ShortWait = TimeSpan.FromMilliseconds(200);
    private readonly Mutex mutex;

    private MeasuringTurn(Mutex mutex) => this.mutex = mutex;

    /// <summary>Waits for the turn; null when it does not come in time. The thread that took it must give it back.</summary>
    internal static MeasuringTurn? Take(TimeSpan patience, string name = Name, CancellationToken cancellation = default)
    {
        Mutex mutex = new(false, name, new NamedWaitHandleOptions { CurrentUserOnly = false, CurrentSessionOnly = false });
        long start = Environment.TickCount64;
        try
        {
            // In short waits: a named mutex cannot be waited for together with a cancellation everywhere.
            do
            {
                cancellation.ThrowIfCancellationRequested();
                TimeSpan left = patience - TimeSpan.FromMilliseconds(Environment.TickCount64 - start);
                if (mutex.WaitOne(left < ShortWait ? (left > TimeSpan.Zero ? left : TimeSpan.Zero) : ShortWait))
                {
                    return new MeasuringTurn(mutex);
                }
            }
            while (Environment.TickCount64 - start < patience.TotalMilliseconds);
        }
        catch (AbandonedMutexException)
        {
            // Its holder died; the turn is ours.
            return new MeasuringTurn(mutex);
        }

        mutex.Dispose();
        return null;
    }

    public void Dispose()
    {
        mutex.ReleaseMutex();
        mutex.Dispose();
    }
}
