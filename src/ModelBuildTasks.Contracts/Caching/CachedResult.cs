using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace ModelBuildTasks.Contracts.Caching;

/// <summary>
/// The whole result of a request in the store, verdicts of budgets included, under <see cref="RequestKey.OfResult(OptimizationRequest)"/>: what a build takes
/// without starting a worker. It names no path, so that any project may take it.
/// </summary>
public static class CachedResult
{
    /// <summary>
    /// Stores a result that succeeded; one that failed, or that is news of one build only, is not for others. What a search found is also stored for builds whose lock file has it, and where its time was up
    /// for these alone: the next search may find more.
    /// </summary>
    /// <param name="store">The store.</param>
    /// <param name="request">The request, with its inputs.</param>
    /// <param name="result">Its result.</param>
    /// <param name="artifactPath">Where the artifact is now.</param>
    public static void Store(ArtifactStore store, OptimizationRequest request, OptimizationResult result, string artifactPath)
    {
        if (result.Succeeded && !result.Diagnostics.Any(diagnostic => diagnostic.IsTransient || diagnostic.Code == DiagnosticCatalogue.TrainedAgain.Code || diagnostic.File != request.ModelPath))
        {
            if (result.ExternalData is { } name)
            {
                store.StoreData(artifactPath, name);
            }

            var description = Copy(result, modelPath: "", artifactPath: null);
            store.Store(Keys(request, result).Distinct(), artifactPath, WholeFile.Utf8.GetBytes(description.ToJson()));
        }
    }

    /// <summary>Puts the artifact of a request in its place.</summary>
    /// <returns>The result, which is not written yet; null when the store has none that this version reads.</returns>
    public static OptimizationResult? TryRestore(ArtifactStore store, OptimizationRequest request)
    {
        OptimizationResult? result = null;
        // What a project keeps of training the worker writes. The weights first: an artifact lies nowhere without them.
        if (store.TryRestore(RequestKey.OfResult(request), request.OutputPath, description => (result = Parse(description)) is { } found
            && TrainedFiles.HaveAll(request, found.Pinned?.TrainedWeights ?? []) && (found.ExternalData is not { } name || store.TryRestoreData(request.OutputPath, name))) is null || result is null)
        {
            return null;
        }

        RequiredOperators.Write(request.OutputPath, result.RequiredOperators);
        var restored = Copy(result, request.ModelPath, request.OutputPath);
        restored.FromCache = true;
        return restored;
    }

    /// <returns>Null when this is no result of this version.</returns>
    public static OptimizationResult? Parse(byte[] description)
    {
        try
        {
            return OptimizationResult.FromJson(WholeFile.Utf8.GetString(description));
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private static IEnumerable<string> Keys(OptimizationRequest request, OptimizationResult result)
    {
        if (result.Search is not { IsCutShort: true })
        {
            yield return RequestKey.OfResult(request);
        }

        if (result.Pinned is { } recipe)
        {
            yield return RequestKey.OfResult(request, recipe);
        }
    }

    /// <summary>All that a result says, without the paths of the project that it was made for.</summary>
    private static OptimizationResult Copy(OptimizationResult result, string modelPath, string? artifactPath)
    {
        var copy = OptimizationResult.FromJson(result.ToJson());
        (copy.Model, copy.ArtifactPath) = (modelPath, artifactPath);
        copy.Diagnostics.Clear();
        foreach (var diagnostic in result.Diagnostics)
        {
            copy.Diagnostics.Add(diagnostic.At(modelPath));
        }

        return copy;
    }
}
