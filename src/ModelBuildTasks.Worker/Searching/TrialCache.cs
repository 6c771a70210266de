using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Caching;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Worker.Caching;
using ModelBuildTasks.Worker.Pipeline;

namespace ModelBuildTasks.Worker.Searching;

/// <summary>
/// Trials of earlier searches of the same model and data: with another budget, another objective or more time, what was made and measured before need not be made again. A verdict is never kept; it depends on what is
/// asked for now.
/// </summary>
/// <param name="cache">Where they are kept.</param>
/// <param name="request">What is asked for.</param>
/// <param name="shipped">Where candidates are written.</param>
internal sealed class TrialCache(ArtifactCache cache, OptimizationRequest request, ShippedForm shipped)
{
    /// <summary>Bytes of an artifact. A search makes some twenty, and the cache holds 5 GB unless it is told otherwise.</summary>
    private const long LargestKept = 64 << 20;

    /// <summary>What is known of a trial, its artifact put where candidates are written; null where it was never made.</summary>
    /// <param name="asked">How it is made, as far as that is known before it is.</param>
    internal Outcome? Find(PinnedRecipe asked) =>
        cache.TryRestore(RequestKey.OfTrial(request, asked), shipped.ArtifactPath) is { } found ? shipped.Take(found with { IsTrial = false }) : null;

    /// <summary>Keeps the candidate that was written last.</summary>
    internal void Keep(PinnedRecipe asked, Outcome outcome)
    {
        bool isLasting = outcome.LatencyReason != Comparison.MachineIsBusy && outcome.Untried is null && outcome.ExternalData is null && outcome.ArtifactBytes <= LargestKept;
        if (isLasting && RequestInputs.AreUnchanged(request))
        {
            cache.Store(RequestKey.OfTrial(request, asked), shipped.ArtifactPath, outcome with { Model = request.Name, Target = request.Target, IsTrial = true });
        }
    }
}
