namespace ModelBuildTasks.Evaluation.Latency;

/// <summary>The machine's turn to measure: only one process at a time holds it. A process that dies gives it back.</summary>
internal sealed class MeasuringTurn : IDisposable
{
    private const string Name = "ModelBuildTasks.Latency";
    private readonly Mutex mutex;

    private MeasuringTurn(Mutex mutex) => this.mutex = mutex;

    /// <summary>Waits for the turn; null when it does not come in time. The thread that took it must give it back.</summary>
    internal static MeasuringTurn? Take(TimeSpan patience, string name = Name)
    {
        Mutex mutex = new(false, name, new NamedWaitHandleOptions { CurrentUserOnly = false, CurrentSessionOnly = false });
        try
        {
            if (mutex.WaitOne(patience))
            {
                return new MeasuringTurn(mutex);
            }
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
