using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using ModelBuildTasks.Contracts.Json;

namespace ModelBuildTasks.Contracts.Caching;

/// <summary>
/// The keys that the cache knows a request by. They cover what an artifact and its figures depend on (the bytes of the model and its
/// data, never their paths or times; the settings, the target, the worker, the ONNX Runtime of the app, the processor that measured) and are made from the
/// request alone, so that a build finds out without reading anything whether the work has been done before.
/// </summary>
public static class RequestKey
{
    /// <summary>What makes the artifact. Budgets judge it and are no part of this, but for the accuracy drop that recipes are chosen by, and all accuracy budgets where pruning is.</summary>
    /// <param name="request">The request, with its inputs.</param>
    /// <param name="isFree">Whether what the lock file says is left out: the key of a build that had none, or updated it.</param>
    public static string OfArtifact(OptimizationRequest request, bool isFree = false) => ContentDigest.OfText(Artifact(request, isFree).ToString());

    /// <summary>The artifact as it ships and the verdict on it: also whether it is compressed, the budgets, measurements of other devices, and the name that the messages bear.</summary>
    /// <param name="request">The request, with its inputs.</param>
    /// <param name="isFree">Whether what the lock file says is left out.</param>
    public static string OfResult(OptimizationRequest request, bool isFree = false) =>
        ContentDigest.OfText(Artifact(request, isFree).Add(nameof(request.Name), request.Name).Add(nameof(request.Compress), request.Compress).Object(nameof(request.Budgets), request.Budgets.Write)
            .Texts(nameof(request.Measurements), request.Measurements.Select(measurement => measurement.Sha256).OrderBy(sha256 => sha256, System.StringComparer.Ordinal)).ToString());

    /// <summary>The budgets that steer how the artifact is made, by name; null is not set, or does not steer.</summary>
    internal static IEnumerable<(string Name, double? Value)> SteeringBudgets(OptimizationRequest request)
    {
        var isPruningSearch = request.Settings.Pruning == Pruning.Auto;
        yield return (nameof(ModelBudgets.MaxAccuracyDrop), request.Budgets.MaxAccuracyDrop);
        yield return (nameof(ModelBudgets.MinAccuracy), isPruningSearch ? request.Budgets.MinAccuracy : null);
        yield return (nameof(ModelBudgets.MaxClassAccuracyDrop), isPruningSearch ? request.Budgets.MaxClassAccuracyDrop : null);
    }

    private static JsonWriter Artifact(OptimizationRequest request, bool isFree)
    {
        var key = new JsonWriter()
            .Add(nameof(request.Worker), request.Worker)
            .Add("Processor", request.Measurement == Measurement.Skip ? RuntimeInformation.ProcessArchitecture.ToString() : ProcessorName.Current)
            .Add(nameof(request.Measurement), request.Measurement.ToString())
            .Add(nameof(request.Target), request.Target)
            .Add(nameof(request.Runtime), request.Runtime?.ToString())
            .Add(nameof(request.Locked), isFree ? null : request.Locked?.Artifact)
            .Object(nameof(request.Settings), request.Settings.Write);
        foreach (var (name, value) in SteeringBudgets(request))
        {
            key.Add(name, value);
        }

        return key.Objects(nameof(request.Inputs), request.Inputs.OrderBy(input => input.Role, System.StringComparer.Ordinal), (input, json) => json
            .Add(nameof(input.Role), input.Role)
            .Add(nameof(input.Sha256), input.Sha256));
    }
}
