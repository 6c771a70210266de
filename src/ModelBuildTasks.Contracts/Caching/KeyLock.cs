using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;

namespace ModelBuildTasks.Contracts.Caching;

/// <summary>
/// A lock between processes. Lock files are never deleted: on Unix a waiter could then lock a file that no longer has a name, while
/// another locks its successor. Keys share 4096 of them, so they are bounded; the system frees those of killed processes.
/// </summary>
internal static class KeyLock
{
    private const int DigitsOfKey = 3;

    // .NET gives the system's own number: ERROR_SHARING_VIOLATION, or EWOULDBLOCK from flock.
    private static readonly int s_isHeld =
        RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? unchecked((int)0x80070020) : RuntimeInformation.IsOSPlatform(OSPlatform.OSX) ? 35 : 11;

    /// <returns>Null when there can be no lock here (a full disk, a read-only folder): waiting would never end.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was cancelled.</exception>
    public static IDisposable? Acquire(string folder, string key, CancellationToken cancellation)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                Directory.CreateDirectory(folder);
                return OpenAlone(Path.Combine(folder, key.Substring(0, DigitsOfKey)));
            }
            catch (IOException fault) when (IsHeld(fault))
            {
                cancellation.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(100));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                return null;
            }
        }
    }

    /// <summary>Opens a file that nobody else may have open, or fails at once.</summary>
    internal static FileStream OpenAlone(string path) => new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);

    private static bool IsHeld(IOException fault) => fault.HResult == s_isHeld;
}
