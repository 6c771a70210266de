using System;
using System.IO;
using System.Threading.Tasks;
using ModelBuildTasks.Contracts.Caching;

namespace ModelBuildTasks.Execution;

/// <summary>One build at a time works on the models of one intermediate folder; two terminals take turns.</summary>
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
            if (ExclusiveFile.TryOpen(path) is { } turn)
            {
                return turn;
            }

            cancelled.Wait(PollMilliseconds);
        }

        return null;
    }
}
