using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;

namespace ModelBuildTasks.Items;

/// <summary>
/// What was made of inputs that have been written again and say the same. Visual Studio compares times: an output that stayed older
/// than an input would make it build for ever (https://github.com/dotnet/project-system/blob/main/docs/up-to-date-check.md).
/// </summary>
internal static class UpToDateOutputs
{
    /// <summary>Gives the artifact and the result of a request the present as their time, where an input is newer.</summary>
    /// <param name="request">The request, with its inputs.</param>
    /// <param name="shared">Files that are inputs of every model to Visual Studio, which does not read whose they are.</param>
    public static void Renew(OptimizationRequest request, IEnumerable<string> shared)
    {
        var inputs = request.Inputs.SelectMany(input => RequestInputs.FilesOf(input.Path)).Concat(shared);
        if (File.Exists(request.OutputPath) && File.Exists(request.ResultPath) && inputs.Select(File.GetLastWriteTimeUtc).DefaultIfEmpty().Max() > File.GetLastWriteTimeUtc(request.ResultPath))
        {
            var now = DateTime.UtcNow;
            File.SetLastWriteTimeUtc(request.OutputPath, now);
            File.SetLastWriteTimeUtc(request.ResultPath, now);
        }
    }

    /// <summary>
    /// Whether the outputs are what a request asks for that says another thing than its file only of what is locked: they are what is locked or, where it is to be looked for, what was found when it was looked for. The
    /// file then stays, and with it whether the artifact was looked for or only made again: a build after an update of the lock file, and an update after a build, have nothing to do, and an update after a build
    /// that the lock file bound has. A search that was cut short goes on when the time limit is raised, for that is another request.
    /// </summary>
    public static bool AreOf(OptimizationRequest request, string requestPath)
    {
        try
        {
            return File.Exists(requestPath) && File.Exists(request.OutputPath) && File.Exists(request.ResultPath)
                && File.GetLastWriteTimeUtc(request.ResultPath) >= File.GetLastWriteTimeUtc(requestPath)
                && OptimizationRequest.Read(requestPath) is var asked && request.IsSameButLocked(asked)
                && OptimizationResult.Read(request.ResultPath) is var made && (request.Locked?.IsOf(made) ?? (asked.Locked is null && (request.Start is null || PinnedRecipe.AreSame(request.Start, made.Pinned))));
        }
        catch (InvalidDataException)
        {
            // It is made again.
            return false;
        }
    }
}
