using System;
using System.IO;
using System.Threading;

namespace ModelBuildTasks.Contracts.Caching;

/// <summary>A lock between processes for the work on one key. Keys share 4096 files, so that their number is bounded.</summary>
internal static class KeyLock
{
    private const int DigitsOfKey = 3;

    /// <returns>Null when there can be no lock here (a full disk, a read-only folder): waiting would never end.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was cancelled.</exception>
    public static IDisposable? Acquire(string folder, string key, CancellationToken cancellation)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                if (ExclusiveFile.TryOpen(Path.Combine(folder, key.Substring(0, DigitsOfKey))) is { } held)
                {
                    return held;
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                return null;
            }

            cancellation.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(100));
        }
    }
}
