using System;
using System.Collections.Generic;
using System.Linq;
using ModelBuildTasks.Contracts.Json;
using ModelBuildTasks.Contracts.Searching;

namespace ModelBuildTasks.Contracts.Locking;

/// <summary>
/// What the lock file says that the same source and settings became. A build takes it again, whatever a measurement of the day would prefer: where two forms take about the same time,
/// noise decides between them.
/// </summary>
public sealed class LockedChoice
{
    /// <summary>SHA-256 of the file that ships.</summary>
    public string Artifact { get; private set; } = "";

    /// <summary>Bytes of the model, not compressed.</summary>
    public long Size { get; private set; }

    /// <summary>Names of the steps that were applied, in order.</summary>
    public IReadOnlyList<string> Plan { get; private set; } = [];

    /// <summary>How it is made again.</summary>
    public PinnedRecipe Recipe { get; private set; } = new();

    /// <returns>Null where the entry is of another source or other settings: what is to be made of those is open.</returns>
    public static LockedChoice? Of(LockEntry? locked, OptimizationRequest request) =>
        locked is { Recipe: { } recipe } && IsOf(locked, request)
            ? new LockedChoice { Artifact = locked.Artifact, Size = locked.Size, Plan = locked.Plan, Recipe = recipe }
            : null;

    /// <summary>Where a search for the same begins: with the recipe, and with what training made by it where source and settings are the same; a training that was asked for otherwise is done again.</summary>
    public static PinnedRecipe? StartOf(LockEntry? locked, OptimizationRequest request) =>
        locked is not { Recipe: { } recipe } ? null
            : IsOf(locked, request) ? recipe
            : locked.Source == RequestInputs.DigestOfModel(request.Inputs) ? recipe.With(trainedWeights: [])
            : recipe.ForAnotherModel();

    /// <summary>Whether a result is what is locked: the very artifact, or what the recipe gives on another kind of processor.</summary>
    public bool IsOf(OptimizationResult result) => Is(result.ArtifactSha256 ?? "") || PinnedRecipe.AreSame(Recipe, result.Pinned);

    /// <summary>Whether other weights came of training than are locked: for want of these, which may be there again tomorrow.</summary>
    public bool IsTrainedOtherwise(PinnedRecipe? made) => made is not null && !Recipe.TrainedWeights.SequenceEqual(made.TrainedWeights, StringComparer.Ordinal);

    /// <summary>Whether an artifact is the very same.</summary>
    public bool Is(string sha256) => sha256 == Artifact;

    /// <summary>Whether an artifact is what the same steps make with other kernels or another version of this package: their roundings differ, and a little of the size.</summary>
    public bool IsLike(long size, IEnumerable<string> plan) => Math.Abs(size - Size) <= Size * LockComparison.SizeTolerance && Plan.SequenceEqual(plan, StringComparer.Ordinal);

    private static bool IsOf(LockEntry locked, OptimizationRequest request) =>
        locked.Source == RequestInputs.DigestOfModel(request.Inputs) && LockComparison.AreSame(locked.Settings, LockedSettings.Of(request));

    internal static LockedChoice? Read(JsonObject? json) => json is null ? null : new LockedChoice
    {
        Artifact = json.Text(nameof(Artifact)) ?? "",
        Size = json.Integer(nameof(Size)) ?? 0,
        Plan = json.Texts(nameof(Plan)),
        Recipe = PinnedRecipe.Read(json.Object(nameof(Recipe))) ?? new PinnedRecipe(),
    };

    internal void Write(JsonWriter json) => json.Add(nameof(Artifact), Artifact).Add(nameof(Size), Size).Texts(nameof(Plan), Plan).Object(nameof(Recipe), Recipe.Write);
}
