using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using ModelBuildTasks.Contracts.Json;
using ModelBuildTasks.Contracts.Searching;

namespace ModelBuildTasks.Contracts.Caching;

/// <summary>
/// The keys that the cache knows a request by. They cover what an artifact and its figures depend on (the bytes of the model and its
/// data, never their paths or times; the settings, the target, the worker, the ONNX Runtime of the app, the processor that measured) and are made from the
/// request alone, so that a build finds out without reading anything whether the work has been done before.
/// </summary>
public static class RequestKey
{
    /// <summary>
    /// What makes the artifact. Where it is searched for, every budget decides what is found, and what ships compressed is compared compressed. Otherwise budgets judge it and are no part of this, but for the accuracy
    /// that a recipe may spend. The time limit is part of it where training is to be done anew, which takes what time there is; a search that was cut short is not kept.
    /// </summary>
    /// <param name="request">The request, with its inputs.</param>
    public static string OfArtifact(OptimizationRequest request) => ContentDigest.OfText(Artifact(request, request.Locked?.Recipe, request.Start).ToString());

    /// <summary>What makes the artifact of a build whose lock file has a recipe for it: what a search found by the same settings is found by this, too.</summary>
    /// <param name="request">The request, with its inputs; what it says of the lock file does not count.</param>
    /// <param name="recipe">The recipe.</param>
    public static string OfArtifact(OptimizationRequest request, PinnedRecipe recipe) => ContentDigest.OfText(Artifact(request, recipe, start: null).ToString());

    /// <summary>What makes one form of a search: no budget and no objective, but where layers were returned to float by accuracy, those of accuracy.</summary>
    /// <param name="request">The request, with its inputs; what it says of the lock file does not count.</param>
    /// <param name="recipe">How the form is made, as far as that is known before it is made.</param>
    public static string OfTrial(OptimizationRequest request, PinnedRecipe recipe)
    {
        var settings = request.Settings.Clone();
        settings.Objective = default;
        var key = Origin(request).Object("Trial", recipe.Write).Object(nameof(request.Settings), settings.Write);
        foreach (var (name, value) in recipe.IsJudged ? SteeringBudgets(request) : [])
        {
            key.Add(name, value);
        }

        AddTrainingTime(key, request, locked: null);
        return ContentDigest.OfText(WithInputs(key, request).ToString());
    }

    /// <summary>
    /// What trains a model that is known: no target, no budget and no measurement, so that none of them trains it again. Which architecture computes counts; its processors differ in the last digits, and what one trained
    /// serves the other.
    /// </summary>
    /// <param name="request">The request, with its inputs; what it says of the lock file does not count.</param>
    public static string OfTraining(OptimizationRequest request)
    {
        // Of the settings those of pruning that trains; all others show in the model.
        var settings = new ModelSettings
        {
            Pruning = request.Settings.Pruning,
            PruningScope = request.Settings.PruningScope,
            PruningExclude = request.Settings.PruningExclude,
            Sparsity = request.Settings.Sparsity,
            Metric = request.Settings.Metric,
            FineTuneEpochs = request.Settings.FineTuneEpochs,
        };
        var key = new JsonWriter()
            .Add(nameof(request.Worker), request.Worker)
            .Add("Architecture", RuntimeInformation.ProcessArchitecture.ToString())
            .Object("Training", settings.Write)
            .Add(nameof(request.TimeoutSeconds), request.TimeoutSeconds)
            // A search has time for less.
            .Add(nameof(request.Settings.LeavesChoice), request.Settings.LeavesChoice);
        return ContentDigest.OfText(WithInputs(key, request).ToString());
    }

    /// <summary>The artifact as it ships and the verdict on it: also whether it is compressed, the budgets, measurements of other devices, and the name that the messages bear.</summary>
    /// <param name="request">The request, with its inputs.</param>
    public static string OfResult(OptimizationRequest request) => OfResult(request, Artifact(request, request.Locked?.Recipe, request.Start));

    /// <inheritdoc cref="OfResult(OptimizationRequest)"/>
    /// <param name="request">The request, with its inputs; what it says of the lock file does not count.</param>
    /// <param name="recipe">What a lock file has.</param>
    public static string OfResult(OptimizationRequest request, PinnedRecipe recipe) => OfResult(request, Artifact(request, recipe, start: null));

    /// <summary>The budgets that steer how an artifact is made that is not searched for, by name; null is not set, or does not steer. The lock file has them.</summary>
    internal static IEnumerable<(string Name, double? Value)> SteeringBudgets(OptimizationRequest request)
    {
        var isOpen = request.Settings.Pruning == Pruning.Auto || request.Settings.FineTune == FineTune.Auto;
        yield return (nameof(ModelBudgets.MaxAccuracyDrop), request.Budgets.MaxAccuracyDrop);
        yield return (nameof(ModelBudgets.MinAccuracy), isOpen ? request.Budgets.MinAccuracy : null);
        yield return (nameof(ModelBudgets.MaxClassAccuracyDrop), isOpen ? request.Budgets.MaxClassAccuracyDrop : null);
    }

    private static string OfResult(OptimizationRequest request, JsonWriter artifact) =>
        ContentDigest.OfText(artifact.Add(nameof(request.Name), request.Name).Add(nameof(request.Compress), request.Compress).Object(nameof(request.Budgets), request.Budgets.Write)
            .Texts(nameof(request.Measurements), request.Measurements.Select(measurement => measurement.Sha256).OrderBy(sha256 => sha256, System.StringComparer.Ordinal)).ToString());

    // Not the locked artifact's hash, which is what comes of the recipe: on another kind of processor other bytes, and no other request.
    private static JsonWriter Artifact(OptimizationRequest request, PinnedRecipe? locked, PinnedRecipe? start)
    {
        var key = Origin(request)
            .Object(nameof(request.Locked), locked is null ? null : locked.Write)
            .Object(nameof(request.Settings), request.Settings.Write);
        foreach (var (name, value) in SteeringBudgets(request))
        {
            key.Add(name, value);
        }

        AddTrainingTime(key, request, locked);
        if (locked is null && request.Settings.LeavesChoice)
        {
            key.Object("Search", search => search
                .Object(nameof(request.Start), start is null ? null : start.Write)
                .Object(nameof(request.Budgets), request.Budgets.Write)
                .Add(nameof(request.Compress), request.Compress));
        }

        return WithInputs(key, request);
    }

    private static void AddTrainingTime(JsonWriter key, OptimizationRequest request, PinnedRecipe? locked)
    {
        if (locked is null && request.Settings.FineTune != FineTune.None)
        {
            key.Add(nameof(request.TimeoutSeconds), request.TimeoutSeconds);
        }
    }

    private static JsonWriter Origin(OptimizationRequest request) => new JsonWriter()
        .Add(nameof(request.Worker), request.Worker)
        .Add("Processor", request.Measurement == Measurement.Skip ? RuntimeInformation.ProcessArchitecture.ToString() : ProcessorName.Current)
        .Add(nameof(request.Measurement), request.Measurement.ToString())
        .Add(nameof(request.Target), request.Target)
        .Add(nameof(request.Runtime), request.Runtime?.ToString());

    private static JsonWriter WithInputs(JsonWriter key, OptimizationRequest request) =>
        key.Objects(nameof(request.Inputs), request.Inputs.OrderBy(input => input.Role, System.StringComparer.Ordinal), (input, json) => json
            .Add(nameof(input.Role), input.Role)
            .Add(nameof(input.Sha256), input.Sha256));
}
