using System;
using System.IO;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using ModelBuildTasks.Contracts.Caching;

namespace ModelBuildTasks.Execution;

/// <summary>One build at a time does what a folder can bear once; two terminals take turns.</summary>
internal static class Turn
{
    private const int PollMilliseconds = 100;

    /// <param name="waiting">The task, whose log says that it waits.</param>
    /// <param name="path">The lock file; its folder is made.</param>
    /// <param name="others">What another build is doing then: "optimizing the models in 'obj'".</param>
    /// <param name="cancelled">Ends when the wait is in vain.</param>
    /// <returns>The turn, which ends when it is disposed; null when cancelled.</returns>
    /// <exception cref="IOException">The file cannot be written, or <see cref="UnauthorizedAccessException"/>.</exception>
    public static IDisposable? Wait(ToolTask waiting, string path, string others, System.Threading.Tasks.Task cancelled)
    {
        if (ExclusiveFile.TryOpen(path) is { } turn)
        {
            return turn;
        }

        waiting.Log.LogMessage(MessageImportance.High, "{0}", $"Another build is {others}; waiting for it.");
        // The other build may need this node to end.
        var node = waiting.BuildEngine as IBuildEngine3;
        node?.Yield();
        try
        {
            return Poll(path, cancelled);
        }
        finally
        {
            node?.Reacquire();
        }
    }

    private static FileStream? Poll(string path, System.Threading.Tasks.Task cancelled)
    {
        while (!cancelled.Wait(PollMilliseconds))
        {
            if (ExclusiveFile.TryOpen(path) is { } turn)
            {
                return turn;
            }
        }

        return null;
    }
}
