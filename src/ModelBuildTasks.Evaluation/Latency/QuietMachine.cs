namespace ModelBuildTasks.Evaluation.Latency;

/// <summary>A lock that one measurement of this user's on this machine holds at a time, so that two builds do not time each other.</summary>
public static class QuietMachine
{
    /// <summary>A measurement takes seconds; after this long the holder is stuck, and measuring beside it is better than hanging.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(2);

    /// <summary>Waits for the lock.</summary>
    /// <returns>The lock, released when disposed; null when it could not be had and the measurement may be disturbed.</returns>
    public static IDisposable? Enter(CancellationToken cancellation)
    {
        string path = Path.Combine(Path.GetTempPath(), $"modelbuild-measure-{Environment.UserName}.lock");
        long start = Environment.TickCount64;
        while (Environment.TickCount64 - start < LongestWait.TotalMilliseconds)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                cancellation.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(50));
            }
            catch (UnauthorizedAccessException)
            {
                return null;
            }
        }

        return null;
    }
}
