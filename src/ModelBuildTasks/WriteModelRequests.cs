using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Diagnostics;
using ModelBuildTasks.Items;

namespace ModelBuildTasks;

/// <summary>
/// Writes one request file per model and target, and touches none that would say the same: the file is the input that decides whether
/// the worker has to run at all.
/// </summary>
[MSBuildMultiThreadableTask]
public sealed class WriteModelRequests : Task, ICancelableTask
{
    /// <summary>What <see cref="ResolveOptimizedModels"/> made of the items.</summary>
    public ITaskItem[] Variants { get; set; } = [];

    /// <summary>Full path of the worker's assembly.</summary>
    [Required] public string WorkerPath { get; set; } = "";

    /// <summary>Full path of the project file.</summary>
    [Required] public string ProjectFile { get; set; } = "";

    /// <summary>Full path of the folder for everything that is generated.</summary>
    [Required] public string Directory { get; set; } = "";

    /// <summary>The project's ModelCacheDirectory; empty for the user's own.</summary>
    public string CacheDirectory { get; set; } = "";

    /// <summary>The project's ModelMeasurement, valid.</summary>
    public string Measurement { get; set; } = "";

    /// <summary>The project's ModelMeasurement items: full paths of what other devices measured.</summary>
    public string[] Measurements { get; set; } = [];

    /// <summary>Full path of the project's lock file, which knows what is to be made again, and the processors that absolute limits of latency were set on; it need not exist.</summary>
    public string LockFile { get; set; } = "";

    /// <summary>Whether the build writes the lock file, and so looks for the best anew, beginning with what is locked.</summary>
    public bool IsUpdatingLock { get; set; }

    /// <summary>The project's ModelTrainedWeights: the folder that trained models are also kept in; empty for the cache alone.</summary>
    public string TrainedWeights { get; set; } = "";

    /// <summary>The project's ModelOptimizationTimeout, valid.</summary>
    public string OptimizationTimeout { get; set; } = "";

    /// <summary>The files of packages that the SDK has resolved, with NuGetPackageId and NuGetPackageVersion: native libraries, and assemblies to compile against.</summary>
    public ITaskItem[] PackageFiles { get; set; } = [];

    /// <summary>One item per request: the request file, with ResultPath and ArtifactPath.</summary>
    [Output] public ITaskItem[] Requests { get; set; } = [];

    private DiagnosticLog _log = null!;
    private AppRuntime? _runtime;
    private volatile bool _cancelled;

    public void Cancel() => _cancelled = true;

    public override bool Execute()
    {
        _log = new DiagnosticLog(Log);
        if (!File.Exists(WorkerPath))
        {
            _log.Write(Diagnostic.Create(DiagnosticCatalogue.WorkerNotFound, ProjectFile, "The worker", WorkerPath));
            return false;
        }

        try
        {
            _runtime = ReferencedRuntime.Find(PackageFiles);
            var memory = new TaskMemory(Path.Combine(Directory, $"{nameof(WriteModelRequests)}.cache"), InputText());
            Requests = memory.Recall() is { } recalled && Array.TrueForAll(recalled[1], RequestWatch.IsUnchanged) && Array.TrueForAll(recalled[0], IsMade) ? recalled[0] : WriteAll(memory);
            foreach (var request in Requests)
            {
                StaleResult.Delete(request);
            }
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _log.Write(Diagnostic.Create(DiagnosticCatalogue.CannotWrite, ProjectFile, Directory, exception.Message));
        }

        return !Log.HasLoggedErrors;
    }

    private string InputText() => string.Join("\n", WorkerPath, InputStamp.OfTimes(WorkerDigest.Files(Path.GetDirectoryName(WorkerPath)!)), ProjectFile, CacheDirectory,
        TrainedWeights, Measurement, OptimizationTimeout, $"{_runtime} {_runtime?.Folder}", InputStamp.OfTimes(Measurements), LockFile.Length > 0 ? InputStamp.OfTimes(LockFile) : "", $"{IsUpdatingLock}", TaskMemory.TextOf(Variants));

    // What is there may have been made of a request that says nothing of what is locked; what is not there is made as it is locked.
    private static bool IsMade(ITaskItem request) => File.Exists(request.GetMetadata("ResultPath")) && File.Exists(request.GetMetadata("ArtifactPath"));

    private ITaskItem[] WriteAll(TaskMemory memory)
    {
        // An error or the end of this process before the last request must not leave a memory of what these files said before.
        memory.Forget();
        var worker = WorkerDigest.Of(Path.GetDirectoryName(WorkerPath)!);
        var measurements = Measurements.Select(path => MeasurementFile.Read(path, ProjectFile, _log)).OfType<MeasurementFile>().ToList();
        var locked = LockFile.Length > 0 ? LockFacts.Read(LockFile, _log) : null;
        var (requests, watched) = (new List<ITaskItem>(), new List<ITaskItem>());
        foreach (var variant in Variants.Select(ModelVariant.FromTaskItem))
        {
            var request = Request(variant, worker);
            if (Exists(variant, request) && Digest(request, watched))
            {
                request.Budgets.MaxLatencyProcessor = locked?.LimitProcessorOf(request);
                request.Locked = IsUpdatingLock ? null : locked?.ChoiceOf(request);
                request.Start = IsUpdatingLock ? locked?.StartOf(request) : null;
                foreach (var measurement in measurements.Where(file => file.IsOf(request)))
                {
                    request.Measurements.Add(measurement.Digest);
                }

                if (UpToDateOutputs.AreOf(request, variant.RequestPath) || !request.WriteIfDifferent(variant.RequestPath))
                {
                    UpToDateOutputs.Renew(request, LockFile.Length > 0 ? [.. Measurements, LockFile] : Measurements);
                }

                watched.Add(RequestWatch.Times(variant.RequestPath));
                requests.Add(ItemText.Create(variant.RequestPath, new Dictionary<string, string> { ["ResultPath"] = variant.ResultPath, ["ArtifactPath"] = variant.ArtifactPath }));
            }
        }

        ITaskItem[] written = [.. requests];
        if (!Log.HasLoggedErrors)
        {
            memory.Remember(written, [.. watched]);
        }

        return written;
    }

    private OptimizationRequest Request(ModelVariant variant, string worker)
    {
        var settings = SettingsReader.Read(variant.Name, variant.ModelPath, variant.Text);
        return new OptimizationRequest
        {
            ModelPath = variant.ModelPath,
            Name = variant.Name,
            Target = variant.Target,
            Settings = settings.Settings,
            Budgets = settings.Budgets,
            CalibrationData = variant.Text(MetadataNames.CalibrationData),
            EvaluationData = variant.Text(MetadataNames.EvaluationData),
            Teacher = variant.Text(MetadataNames.Teacher),
            Student = variant.Text(MetadataNames.Student),
            TrainingData = variant.Text(MetadataNames.TrainingData),
            Measurement = Choice.TryParse<Measurement>(Measurement, out var measurement) ? measurement : default,
            Compress = variant.IsCompressed,
            Runtime = _runtime,
            OutputPath = variant.ArtifactPath,
            ResultPath = variant.ResultPath,
            CacheDirectory = FolderOf(CacheDirectory),
            TrainedWeightsDirectory = FolderOf(TrainedWeights),
            TimeoutSeconds = Quantity.TryParseDuration(OptimizationTimeout, out var milliseconds) ? milliseconds / 1000 : null,
            Worker = worker,
        };
    }

    private bool Digest(OptimizationRequest request, List<ITaskItem> watched)
    {
        try
        {
            // The stamps first: what changes while the inputs are read is then seen by the next build.
            watched.AddRange(RequestWatch.Of(request));
            foreach (var input in RequestInputs.Digest(request, () => _cancelled))
            {
                request.Inputs.Add(input);
            }

            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _log.Write(Diagnostic.Create(DiagnosticCatalogue.InputUnreadable, request.ModelPath, request.Name, exception.Message));
            return false;
        }
    }

    private string? FolderOf(string property) => property.Length > 0 ? ItemText.FullPath(Path.GetDirectoryName(ProjectFile)!, property) : null;

    private bool Exists(ModelVariant variant, OptimizationRequest request)
    {
        var place = variant.Location;
        if (!File.Exists(variant.ModelPath))
        {
            _log.Write(Diagnostic.Create(DiagnosticCatalogue.ModelNotFound, place.File, variant.ModelPath).At(place.File, place.Line, place.Column));
            return false;
        }

        foreach (var (_, metadata, path) in RequestInputs.Missing(request))
        {
            _log.Write(Diagnostic.Create(DiagnosticCatalogue.DataNotFound, place.File, metadata, path).At(place.File, place.Line, place.Column));
        }

        return true;
    }
}
