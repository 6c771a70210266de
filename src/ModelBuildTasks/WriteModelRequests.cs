using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Diagnostics;
using ModelBuildTasks.Items;
using ModelBuildTasks.Signatures;

namespace ModelBuildTasks;

/// <summary>
/// Writes one request file per model and target, and touches none that would say the same: the file is the input that decides whether
/// the worker has to run at all.
/// </summary>
[MSBuildMultiThreadableTask]
public sealed class WriteModelRequests : Task
{
    /// <summary>What <see cref="ResolveOptimizedModels"/> made of the items.</summary>
    public ITaskItem[] Variants { get; set; } = [];

    /// <summary>Full path of the worker's assembly.</summary>
    [Required] public string WorkerPath { get; set; } = "";

    /// <summary>Full path of the project file.</summary>
    [Required] public string ProjectFile { get; set; } = "";

    /// <summary>The project's ModelCacheDirectory; empty for the user's own.</summary>
    public string CacheDirectory { get; set; } = "";

    /// <summary>The project's ModelMeasurement, valid.</summary>
    public string Measurement { get; set; } = "";

    /// <summary>The project's ModelOptimizationTimeout, valid.</summary>
    public string OptimizationTimeout { get; set; } = "";

    /// <summary>One item per request: the request file, with ResultPath and ArtifactPath.</summary>
    [Output] public ITaskItem[] Requests { get; set; } = [];

    private DiagnosticLog _log = null!;

    public override bool Execute()
    {
        _log = new DiagnosticLog(Log);
        if (!File.Exists(WorkerPath))
        {
            _log.Write(Diagnostic.Create(DiagnosticCatalogue.WorkerNotFound, ProjectFile, "The worker", WorkerPath));
            return false;
        }

        var worker = Fingerprint.OfWorker(WorkerPath);
        var requests = new List<ITaskItem>();
        foreach (var variant in Variants.Select(ModelVariant.FromTaskItem))
        {
            if (Request(variant, worker) is { } request && Write(request, variant.RequestPath))
            {
                requests.Add(ItemText.Create(variant.RequestPath, new Dictionary<string, string> { ["ResultPath"] = variant.ResultPath, ["ArtifactPath"] = variant.ArtifactPath }));
            }
        }

        Requests = [.. requests];
        return !Log.HasLoggedErrors;
    }

    private OptimizationRequest? Request(ModelVariant variant, string worker)
    {
        if (!File.Exists(variant.ModelPath))
        {
            _log.Write(Diagnostic.Create(DiagnosticCatalogue.ModelNotFound, ProjectFile, variant.ModelPath));
            return null;
        }

        var settings = SettingsReader.Read(variant.Name, variant.ModelPath, name => variant.Metadata.TryGetValue(name, out var value) ? value : null);
        var request = new OptimizationRequest
        {
            ModelPath = variant.ModelPath,
            Name = variant.Name,
            Target = variant.Target,
            Settings = settings.Settings,
            Budgets = settings.Budgets,
            CalibrationData = Data(variant, MetadataNames.CalibrationData),
            EvaluationData = Data(variant, MetadataNames.EvaluationData),
            Measurement = Choice.TryParse<Measurement>(Measurement, out var measurement) ? measurement : default,
            OutputPath = variant.ArtifactPath,
            ResultPath = variant.ResultPath,
            CacheDirectory = CacheDirectory.Length > 0 ? ItemText.FullPath(Path.GetDirectoryName(ProjectFile)!, CacheDirectory) : null,
            TimeoutSeconds = Quantity.TryParseDuration(OptimizationTimeout, out var milliseconds) ? milliseconds / 1000 : null,
            Worker = worker,
        };
        foreach (var path in InputsOf(request))
        {
            request.Inputs.Add(Fingerprint.Of(path));
        }

        return request;
    }

    private bool Write(OptimizationRequest request, string path)
    {
        try
        {
            request.WriteIfDifferent(path);
            if (File.Exists(request.ResultPath) && IsStale(request))
            {
                File.Delete(request.ResultPath);
            }

            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _log.Write(Diagnostic.Create(DiagnosticCatalogue.CannotWrite, ProjectFile, path, exception.Message));
            return false;
        }
    }

    // A result that would keep the worker from running though it should: the artifact is gone; or the fault was the environment's
    // (a full disk, a time limit), which may be gone by now; or it is of another version.
    private static bool IsStale(OptimizationRequest request)
    {
        try
        {
            var result = OptimizationResult.Read(request.ResultPath);
            if (result.Remove(DiagnosticCatalogue.RemoteCacheFailed))
            {
                // What the network did to the last build is no news of this one.
                result.Write(request.ResultPath);
            }

            return (result.Succeeded && !File.Exists(request.OutputPath)) || result.Diagnostics.Any(diagnostic => diagnostic.IsEnvironment);
        }
        catch (InvalidDataException)
        {
            return true;
        }
    }

    private string? Data(ModelVariant variant, string metadata)
    {
        if (!variant.Metadata.TryGetValue(metadata, out var path))
        {
            return null;
        }

        if (!File.Exists(path) && !Directory.Exists(path))
        {
            _log.Write(Diagnostic.Create(DiagnosticCatalogue.DataNotFound, variant.ModelPath, metadata, path));
        }

        return path;
    }

    private static IEnumerable<string> InputsOf(OptimizationRequest request)
    {
        var folder = Path.GetDirectoryName(request.ModelPath)!;
        IEnumerable<string> external = [];
        try
        {
            external = ModelSignature.Read(request.ModelPath).ExternalFiles.Select(file => ItemText.FullPath(folder, file)).OrderBy(file => file, StringComparer.Ordinal);
        }
        catch (SignatureException)
        {
            // The worker says what is wrong with the model.
        }

        var data = new[] { request.CalibrationData, request.EvaluationData }.OfType<string>().Where(path => File.Exists(path) || Directory.Exists(path)).SelectMany(DataFiles.Of);
        return new[] { request.ModelPath }.Concat(external).Where(File.Exists).Concat(data).Distinct(StringComparer.Ordinal);
    }
}
