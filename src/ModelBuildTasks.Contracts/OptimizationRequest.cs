using System;
using System.Collections.Generic;
using System.IO;
using ModelBuildTasks.Contracts.Json;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Contracts.Searching;

namespace ModelBuildTasks.Contracts;

/// <summary>
/// What the build asks of the worker: one model for one target. Written only when something in it changed, so the file's time
/// is the time of the last change to the model, its data, its settings or the worker.
/// </summary>
public sealed class OptimizationRequest
{
    private const int Version = 3;

    /// <summary>Full path of the source ONNX model.</summary>
    public string ModelPath { get; set; } = "";

    /// <summary>Logical name: the file name without extension unless the item says otherwise.</summary>
    public string Name { get; set; } = "";

    /// <summary>Target profile, one of <see cref="TargetNames"/>.</summary>
    public string Target { get; set; } = "";

    public ModelSettings Settings { get; set; } = new();

    public ModelBudgets Budgets { get; set; } = new();

    /// <summary>Full path of the calibration data set, or null.</summary>
    public string? CalibrationData { get; set; }

    /// <summary>Full path of the evaluation data set, or null.</summary>
    public string? EvaluationData { get; set; }

    /// <summary>Full path of the model that training learns from, or null for the source model.</summary>
    public string? Teacher { get; set; }

    /// <summary>Full path of the model that is optimized and trained in the place of the source model, which still judges it; null for the source model.</summary>
    public string? Student { get; set; }

    /// <summary>Full path of the data set to train on, or null for the calibration data.</summary>
    public string? TrainingData { get; set; }

    public Measurement Measurement { get; set; }

    /// <summary>Whether the artifact is written compressed.</summary>
    public bool Compress { get; set; }

    /// <summary>The ONNX Runtime that the artifact will run in; null when the project references none.</summary>
    public AppRuntime? Runtime { get; set; }

    /// <summary>What to make again; null where the lock file says nothing of this source and these settings, or is being updated.</summary>
    public LockedChoice? Locked { get; set; }

    /// <summary>What a search tries first: what the lock file has, while it is being updated. Null otherwise.</summary>
    public PinnedRecipe? Start { get; set; }

    /// <summary>Full path of the artifact to write.</summary>
    public string OutputPath { get; set; } = "";

    /// <summary>Full path of the <see cref="OptimizationResult"/> to write, last.</summary>
    public string ResultPath { get; set; } = "";

    /// <summary>Full path of the artifact cache, or null for the user's own.</summary>
    public string? CacheDirectory { get; set; }

    /// <summary>URL of the remote cache, or null. Not part of the file: it may hold a password.</summary>
    public string? RemoteCache { get; set; }

    /// <summary>Full path of the folder that trained models are also kept in, to be committed with the lock file; null for the cache alone.</summary>
    public string? TrainedWeightsDirectory { get; set; }

    /// <summary>
    /// How long a search or training may take, in seconds, after which the best so far ships, and how long anything may take before there is something to ship. Null or 0 where the project writes no limit: searching
    /// and training then have five minutes, and all else has no limit.
    /// </summary>
    public double? TimeoutSeconds { get; set; }

    /// <summary>The models, their external data and the data sets as they were when the request was made.</summary>
    public IList<InputDigest> Inputs { get; } = [];

    /// <summary>Measurements that other devices made of this model for this target. They judge, and make nothing.</summary>
    public IList<InputDigest> Measurements { get; } = [];

    /// <summary>When <see cref="Inputs"/> were read, or later. Not written: it is the time of the file.</summary>
    public DateTime DigestedUtc { get; set; } = DateTime.UtcNow;

    /// <summary>Digest of the worker's assemblies.</summary>
    public string Worker { get; set; } = "";

    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file is not a request of this version.</exception>
    public static OptimizationRequest Read(string path)
    {
        var request = ContractFile.Read(path, Version, Read);
        request.DigestedUtc = File.GetLastWriteTimeUtc(path);
        return request;
    }

    /// <summary>Replaces the file whole, or leaves it as it was.</summary>
    public void Write(string path) => WholeFile.Write(path, ToJson());

    /// <summary>As <see cref="Write"/>, but leaves a file that already says the same untouched.</summary>
    /// <returns>Whether the file was written.</returns>
    public bool WriteIfDifferent(string path) => WholeFile.WriteIfDifferent(path, ToJson());

    /// <summary>Whether this asks for the same as <paramref name="other"/>, but for what the lock file says.</summary>
    public bool IsSameButLocked(OptimizationRequest other)
    {
        var (mine, theirs) = ((Locked, Start), (other.Locked, other.Start));
        (Locked, Start, other.Locked, other.Start) = (null, null, null, null);
        var isSame = ToJson() == other.ToJson();
        ((Locked, Start), (other.Locked, other.Start)) = (mine, theirs);
        return isSame;
    }

    private string ToJson() => new JsonWriter().Object(json => json
        .Add(nameof(Version), Version)
        .Add(nameof(ModelPath), ModelPath)
        .Add(nameof(Name), Name)
        .Add(nameof(Target), Target)
        .Object(nameof(Settings), Settings.Write)
        .Object(nameof(Budgets), Budgets.Write)
        .Add(nameof(CalibrationData), CalibrationData)
        .Add(nameof(EvaluationData), EvaluationData)
        .Add(nameof(Teacher), Teacher)
        .Add(nameof(Student), Student)
        .Add(nameof(TrainingData), TrainingData)
        .Add(nameof(Measurement), Measurement.ToString())
        .Add(nameof(Compress), Compress)
        .Object(nameof(Runtime), Runtime is null ? null : Runtime.Write)
        .Object(nameof(Locked), Locked is null ? null : Locked.Write)
        .Object(nameof(Start), Start is null ? null : Start.Write)
        .Add(nameof(OutputPath), OutputPath)
        .Add(nameof(ResultPath), ResultPath)
        .Add(nameof(CacheDirectory), CacheDirectory)
        .Add(nameof(TrainedWeightsDirectory), TrainedWeightsDirectory)
        .Add(nameof(TimeoutSeconds), TimeoutSeconds)
        .Objects(nameof(Inputs), Inputs, (input, inner) => input.Write(inner))
        .Objects(nameof(Measurements), Measurements, (measurement, inner) => measurement.Write(inner))
        .Add(nameof(Worker), Worker)).ToString();

    private static OptimizationRequest Read(JsonObject json)
    {
        var request = new OptimizationRequest
        {
            ModelPath = json.Text(nameof(ModelPath)) ?? "",
            Name = json.Text(nameof(Name)) ?? "",
            Target = json.Text(nameof(Target)) ?? "",
            Settings = ModelSettings.Read(json.Object(nameof(Settings))),
            Budgets = ModelBudgets.Read(json.Object(nameof(Budgets))),
            CalibrationData = json.Text(nameof(CalibrationData)),
            EvaluationData = json.Text(nameof(EvaluationData)),
            Teacher = json.Text(nameof(Teacher)),
            Student = json.Text(nameof(Student)),
            TrainingData = json.Text(nameof(TrainingData)),
            Measurement = json.Choice<Measurement>(nameof(Measurement)),
            Compress = json.Flag(nameof(Compress)),
            Runtime = AppRuntime.Read(json.Object(nameof(Runtime))),
            Locked = LockedChoice.Read(json.Object(nameof(Locked))),
            Start = PinnedRecipe.Read(json.Object(nameof(Start))),
            OutputPath = json.Text(nameof(OutputPath)) ?? "",
            ResultPath = json.Text(nameof(ResultPath)) ?? "",
            CacheDirectory = json.Text(nameof(CacheDirectory)),
            TrainedWeightsDirectory = json.Text(nameof(TrainedWeightsDirectory)),
            TimeoutSeconds = json.Number(nameof(TimeoutSeconds)),
            Worker = json.Text(nameof(Worker)) ?? "",
        };
        foreach (var input in json.Objects(nameof(Inputs)))
        {
            request.Inputs.Add(InputDigest.Read(input));
        }

        foreach (var measurement in json.Objects(nameof(Measurements)))
        {
            request.Measurements.Add(InputDigest.Read(measurement));
        }

        return request;
    }
}
