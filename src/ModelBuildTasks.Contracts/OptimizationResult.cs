using System.Collections.Generic;
using System.IO;
using System.Runtime.Serialization;

namespace ModelBuildTasks.Contracts;

/// <summary>
/// What became of one <see cref="OptimizationRequest"/>. Written last, after the artifact; a result that exists is complete.
/// Builds read it again and again: every diagnostic in it is replayed until the request changes.
/// </summary>
[DataContract]
public sealed class OptimizationResult
{
    public const int CurrentVersion = 1;

    public OptimizationResult() => SetDefaults(default);

    [DataMember(Order = 0)] public int Version { get; private set; }

    /// <summary>Whether an artifact was produced. A broken budget does not undo this; it is a diagnostic.</summary>
    [DataMember(Order = 1)] public bool Succeeded { get; set; }

    /// <summary>Full path of the source model.</summary>
    [DataMember(Order = 2)] public string Model { get; set; } = null!;

    [DataMember(Order = 3)] public string Target { get; set; } = null!;

    /// <summary>Full path of the artifact; null when none was produced.</summary>
    [DataMember(Order = 4)] public string? ArtifactPath { get; set; }

    /// <summary>SHA-256 of the artifact, lower-case hexadecimal.</summary>
    [DataMember(Order = 5)] public string? ArtifactSha256 { get; set; }

    [DataMember(Order = 6)] public bool FromCache { get; set; }

    /// <summary>Every step that was considered, in order, the ones that did not apply included.</summary>
    [DataMember(Order = 7)] public IList<RecipeStep> Recipe { get; private set; } = null!;

    [DataMember(Order = 8)] public ModelFigures? Original { get; set; }

    [DataMember(Order = 9)] public ModelFigures? Optimized { get; set; }

    /// <summary>Null when accuracy was not measured.</summary>
    [DataMember(Order = 10)] public AccuracyDrop? AccuracyDrop { get; set; }

    [DataMember(Order = 11)] public LatencyRatio? LatencyRatio { get; set; }

    [DataMember(Order = 12)] public IList<Diagnostic> Diagnostics { get; private set; } = null!;

    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file is not a result of this version.</exception>
    public static OptimizationResult Read(string path)
    {
        var result = ContractFile.Read<OptimizationResult>(path);
        return result.Version == CurrentVersion ? result
            : throw new InvalidDataException($"'{path}' has version {result.Version}, expected {CurrentVersion}.");
    }

    /// <summary>Takes the diagnostics of one kind out.</summary>
    /// <returns>Whether there were any.</returns>
    public bool Remove(DiagnosticDescriptor descriptor)
    {
        // A list that was read from a file is an array.
        var kept = new List<Diagnostic>();
        foreach (var diagnostic in Diagnostics)
        {
            if (diagnostic.Code != descriptor.Code)
            {
                kept.Add(diagnostic);
            }
        }

        var removed = kept.Count < Diagnostics.Count;
        Diagnostics = kept;
        return removed;
    }

    /// <summary>Replaces the file whole, or leaves it as it was.</summary>
    public void Write(string path) => ContractFile.Write(path, this);

    [OnDeserializing]
    private void SetDefaults(StreamingContext context)
    {
        Version = CurrentVersion;
        Model = Target = "";
        Recipe = [];
        Diagnostics = [];
    }
}

/// <summary>One step of the pipeline: what it did, or why it did nothing.</summary>
[DataContract]
public sealed class RecipeStep
{
    [DataMember(Order = 0)] public string Name { get; set; } = "";

    [DataMember(Order = 1)] public bool Applied { get; set; }

    [DataMember(Order = 2)] public string Explanation { get; set; } = "";
}

/// <summary>Size and, where measured, accuracy and latency of one model.</summary>
[DataContract]
public sealed class ModelFigures
{
    /// <summary>File size, external data included.</summary>
    [DataMember(Order = 0)] public long Bytes { get; set; }

    /// <summary>In the metric's own unit; null when not measured.</summary>
    [DataMember(Order = 1)] public double? Accuracy { get; set; }

    /// <summary>Median time of one run in milliseconds; null when not measured.</summary>
    [DataMember(Order = 2)] public double? LatencyMilliseconds { get; set; }
}

/// <summary>How much accuracy the optimized model lost against the original on the same samples; negative when it gained.</summary>
[DataContract]
public sealed class AccuracyDrop
{
    [DataMember(Order = 0)] public double Value { get; set; }

    /// <summary>Lower end of the 95 % interval.</summary>
    [DataMember(Order = 1)] public double Low { get; set; }

    /// <summary>Upper end of the 95 % interval.</summary>
    [DataMember(Order = 2)] public double High { get; set; }

    [DataMember(Order = 3)] public int Samples { get; set; }

    /// <summary>The metric that was used, never <see cref="Contracts.Metric.Auto"/>.</summary>
    public Metric Metric { get; set; }

    [DataMember(Order = 4, Name = nameof(Metric))]
    private string MetricText { get => Metric.ToString(); set => Metric = Choice.Parse<Metric>(value); }
}

/// <summary>Latency of the optimized model divided by the original's, both measured interleaved in one run.</summary>
[DataContract]
public sealed class LatencyRatio
{
    /// <summary>Null when not measured.</summary>
    [DataMember(Order = 0)] public double? Value { get; set; }

    /// <summary>Lower end of the interval: 99 % by one look, so that it holds 95 % though measuring looks several times before it ends.</summary>
    [DataMember(Order = 1)] public double? Low { get; set; }

    /// <summary>Upper end of that interval.</summary>
    [DataMember(Order = 2)] public double? High { get; set; }

    /// <summary>Number of interleaved pairs of runs.</summary>
    [DataMember(Order = 3)] public int Pairs { get; set; }

    [DataMember(Order = 4)] public bool Measured { get; set; }

    /// <summary>Why it was not measured; null when it was.</summary>
    [DataMember(Order = 5)] public string? Reason { get; set; }
}
