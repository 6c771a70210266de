using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading.Tasks;

namespace ModelBuildTasks.Execution;

/// <summary>
/// One build at a time works on the models of one intermediate folder; two terminals take turns. The lock is an open file, which the
/// system closes with the process that held it.
/// </summary>
internal static class Turn
{
    private const int PollMilliseconds = 100;

    /// <param name="path">The lock file; its folder is made.</param>
    /// <param name="cancelled">Ends when the wait is in vain.</param>
    /// <returns>The turn, which ends when it is disposed; null when cancelled.</returns>
    /// <exception cref="IOException">The file cannot be written, or <see cref="UnauthorizedAccessException"/>.</exception>
    public static IDisposable? Wait(string path, Task cancelled)
    {
        while (!cancelled.IsCompleted)
        {
            if (TryTake(path) is { } turn)
            {
                return turn;
            }

            cancelled.Wait(PollMilliseconds);
        }

        return null;
    }

    /// <returns>Null when another build has it.</returns>
    /// <exception cref="IOException">The file cannot be written, or <see cref="UnauthorizedAccessException"/>.</exception>
    public static IDisposable? TryTake(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (IOException fault) when (fault.HResult == SharingViolation)
        {
            return null;
        }
    }

    // .NET gives the system's own number: ERROR_SHARING_VIOLATION, or EWOULDBLOCK from flock.
    private static int SharingViolation =>
        RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? unchecked((int)0x80070020) : RuntimeInformation.IsOSPlatform(OSPlatform.OSX) ? 35 : 11;
}
