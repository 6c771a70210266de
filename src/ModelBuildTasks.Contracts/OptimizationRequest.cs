using System.Collections.Generic;
using System.IO;
using System.Runtime.Serialization;

namespace ModelBuildTasks.Contracts;

/// <summary>
/// What the build asks of the worker: one model for one target. Written only when something in it changed, so the file's time
/// is the time of the last change to the model, its data, its settings or the worker.
/// </summary>
[DataContract]
public sealed class OptimizationRequest
{
    public const int CurrentVersion = 1;

    public OptimizationRequest() => SetDefaults(default);

    [DataMember(Order = 0)] public int Version { get; private set; }

    /// <summary>Full path of the source ONNX model.</summary>
    [DataMember(Order = 1)] public string ModelPath { get; set; } = null!;

    /// <summary>Logical name: the file name without extension unless the item says otherwise.</summary>
    [DataMember(Order = 2)] public string Name { get; set; } = null!;

    /// <summary>Target profile, one of <see cref="TargetNames"/>.</summary>
    [DataMember(Order = 3)] public string Target { get; set; } = null!;

    [DataMember(Order = 4)] public ModelSettings Settings { get; set; } = null!;

    [DataMember(Order = 5)] public ModelBudgets Budgets { get; set; } = null!;

    /// <summary>Full path of the calibration data set, or null.</summary>
    [DataMember(Order = 6)] public string? CalibrationData { get; set; }

    /// <summary>Full path of the evaluation data set, or null.</summary>
    [DataMember(Order = 7)] public string? EvaluationData { get; set; }

    public Measurement Measurement { get; set; }

    [DataMember(Order = 8, Name = nameof(Measurement))]
    private string MeasurementText { get => Measurement.ToString(); set => Measurement = Choice.Parse<Measurement>(value); }

    /// <summary>Full path of the artifact to write.</summary>
    [DataMember(Order = 9)] public string OutputPath { get; set; } = null!;

    /// <summary>Full path of the <see cref="OptimizationResult"/> to write, last.</summary>
    [DataMember(Order = 10)] public string ResultPath { get; set; } = null!;

    /// <summary>Full path of the artifact cache, or null for the user's own.</summary>
    [DataMember(Order = 11)] public string? CacheDirectory { get; set; }

    /// <summary>URL of the remote cache, or null. Not part of the file: it may hold a password.</summary>
    public string? RemoteCache { get; set; }

    /// <summary>How long this request may take, in seconds; null or 0 for no limit.</summary>
    [DataMember(Order = 12)] public double? TimeoutSeconds { get; set; }

    /// <summary>The model, its external data and the data sets as they were when the request was written.</summary>
    [DataMember(Order = 13)] public IList<InputFingerprint> Inputs { get; private set; } = null!;

    /// <summary>Fingerprint of the worker's assemblies; null outside a build.</summary>
    [DataMember(Order = 14)] public string? Worker { get; set; }

    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file is not a request of this version.</exception>
    public static OptimizationRequest Read(string path)
    {
        var request = ContractFile.Read<OptimizationRequest>(path);
        return request.Version == CurrentVersion ? request
            : throw new InvalidDataException($"'{path}' has version {request.Version}, expected {CurrentVersion}.");
    }

    /// <summary>Replaces the file whole, or leaves it as it was.</summary>
    public void Write(string path) => ContractFile.Write(path, this);

    /// <summary>As <see cref="Write"/>, but leaves a file that already says the same untouched.</summary>
    /// <returns>Whether the file was written.</returns>
    public bool WriteIfDifferent(string path) => ContractFile.WriteIfDifferent(path, this);

    // The serializer runs no constructor; without this, members absent from the file would be null.
    [OnDeserializing]
    private void SetDefaults(StreamingContext context)
    {
        Version = CurrentVersion;
        ModelPath = Name = Target = OutputPath = ResultPath = "";
        Settings = new ModelSettings();
        Budgets = new ModelBudgets();
        Inputs = [];
    }
}

/// <summary>An input of a request, and a stamp that changes with it.</summary>
[DataContract]
public sealed class InputFingerprint
{
    /// <summary>Full path of a file, or of a folder that stands for all files below it.</summary>
    [DataMember(Order = 0)] public string Path { get; set; } = "";

    [DataMember(Order = 1)] public int Files { get; set; }

    /// <summary>Bytes in all.</summary>
    [DataMember(Order = 2)] public long Length { get; set; }

    /// <summary>SHA-256 over each file's relative path, length and time of last write.</summary>
    [DataMember(Order = 3)] public string Stamp { get; set; } = "";
}
