using System;
using System.IO;
using System.Linq;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Items;

/// <summary>
/// What was made of inputs that have been written again and say the same. Visual Studio compares times: an output that stayed older
/// than an input would make it build for ever (https://github.com/dotnet/project-system/blob/main/docs/up-to-date-check.md).
/// </summary>
internal static class UpToDateOutputs
{
    /// <summary>Gives the artifact and the result of a request the present as their time, where an input is newer.</summary>
    public static void Renew(OptimizationRequest request)
    {
        var now = DateTime.UtcNow;
        if (File.Exists(request.OutputPath) && File.Exists(request.ResultPath) && NewestInput(request) > File.GetLastWriteTimeUtc(request.ResultPath))
        {
            File.SetLastWriteTimeUtc(request.OutputPath, now);
            File.SetLastWriteTimeUtc(request.ResultPath, now);
        }
    }

    private static DateTime NewestInput(OptimizationRequest request) =>
        request.Inputs.SelectMany(input => RequestInputs.FilesOf(input.Path)).Select(File.GetLastWriteTimeUtc).DefaultIfEmpty().Max();
}
