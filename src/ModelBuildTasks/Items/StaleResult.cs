using System.IO;
using Microsoft.Build.Framework;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Items;

/// <summary>A result that would keep the worker from running though it should.</summary>
internal static class StaleResult
{
    /// <summary>Deletes the result of a request when it promises an artifact that is gone.</summary>
    public static void Delete(ITaskItem request)
    {
        var result = request.GetMetadata("ResultPath");
        if (File.Exists(result) && !File.Exists(request.GetMetadata("ArtifactPath")) && PromisesArtifact(result))
        {
            File.Delete(result);
        }
    }

    private static bool PromisesArtifact(string path)
    {
        try
        {
            return OptimizationResult.Read(path).Succeeded;
        }
        catch (InvalidDataException)
        {
            return true;
        }
    }
}
