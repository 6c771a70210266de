using System;
using System.Collections.Generic;
using System.IO;
using Microsoft.Build.Framework;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;

namespace ModelBuildTasks.Execution;

/// <summary>Takes from the cache what an earlier build made of the very same request, so that a worker need not start for it.</summary>
internal static class CacheHits
{
    /// <summary>Restores what is there, artifact and then result, both stamped with the present: compilers compare times.</summary>
    /// <returns>The requests that are left to do.</returns>
    public static IReadOnlyList<ITaskItem> Restore(IEnumerable<ITaskItem> requests)
    {
        var left = new List<ITaskItem>();
        foreach (var item in requests)
        {
            if (!TryRestore(item.ItemSpec))
            {
                left.Add(item);
            }
        }

        return left;
    }

    private static bool TryRestore(string path)
    {
        try
        {
            var request = OptimizationRequest.Read(path);
            if (CachedResult.TryRestore(new ArtifactStore(request.CacheDirectory ?? ArtifactStore.DefaultDirectory), request) is not { } result)
            {
                return false;
            }

            result.Write(request.ResultPath);
            return true;
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            // The worker meets the same, and says what it is.
            return false;
        }
    }
}
