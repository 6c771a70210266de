using System.Text.Json.Serialization;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Evaluation.DataChecks;
using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Optimization;

namespace ModelBuildTasks.Worker.Caching;

/// <summary>What is known of an artifact, without any path of the project that asked for it.</summary>
internal sealed record Outcome
{
    /// <summary>For the list of what is cached: the name of the model that was first made so.</summary>
    public string? Model { get; init; }

    public string? Target { get; init; }

    /// <summary>Whether it is a trial of a search, which is nothing that ever shipped.</summary>
    public bool IsTrial { get; init; }

    public required string ArtifactSha256 { get; init; }

    /// <summary>The name of the file beside the artifact that holds its weights; null where it is one file.</summary>
    public string? ExternalData { get; init; }

    public required long OriginalBytes { get; init; }

    /// <summary>External data included.</summary>
    public required long ArtifactBytes { get; init; }

    public required IReadOnlyList<Step> Steps { get; init; }

    public required IReadOnlyList<Note> Notes { get; init; }

    /// <summary>Names of the steps that were applied, in order.</summary>
    [JsonIgnore]
    internal IEnumerable<string> Plan => Steps.Where(step => step.Applied).Select(step => step.Name);

    /// <summary>The distribution of each channel of the inputs at calibration; empty without calibration data.</summary>
    public IReadOnlyList<InputDistribution> CalibratedInputs { get; init; } = [];

    /// <summary>Null when there is no data to measure on.</summary>
    public AccuracyResult? Accuracy { get; init; }

    /// <summary>Cosine similarity of the output that fares worst with the original's, on a drawn input; null where there is data to measure on, or nothing can be drawn.</summary>
    public double? DrawnCosine { get; init; }

    public LatencyResult? Latency { get; init; }

    /// <summary>Null when nothing was quantized with calibration samples.</summary>
    public QuantizationPlan? Quantization { get; init; }

    /// <summary>The plan of the best recipe that was tried, where nothing quantized ships; null when there was none.</summary>
    public QuantizationPlan? TriedQuantization { get; init; }

    /// <summary>How it was made, to make it again.</summary>
    public PinnedRecipe? Recipe { get; init; }

    /// <summary>What was tried; null where nothing was searched for.</summary>
    public SearchAccount? Search { get; init; }

    /// <summary>Multiplications before pruning and in the artifact; null when nothing was to be pruned, or no layer can be counted.</summary>
    public Multiplications? Multiplications { get; init; }

    /// <summary>Why latency was not measured; null when it was.</summary>
    public string? LatencyReason { get; init; }

    /// <summary>Why it was not tried in the ONNX Runtime of the app, which is on this machine; null when it was, or need not be. Such an outcome is not kept.</summary>
    [JsonIgnore]
    internal string? Untried { get; init; }

    /// <summary>The slowest operators before and after; null when latency was not measured.</summary>
    public OperatorProfile? Profile { get; init; }

    /// <summary>Memory that loading and running takes; null until a budget asks for it.</summary>
    public PeakMemories? Memory { get; init; }
}

/// <summary>Multiplications of one run, source model and artifact.</summary>
internal sealed record Multiplications(long Original, long Optimized);

/// <summary>Bytes of memory that loading and running takes at most, source model and artifact.</summary>
internal sealed record PeakMemories(long Original, long Optimized);

/// <summary>One step of the recipe.</summary>
internal sealed record Step(string Name, bool Applied, string Explanation)
{
    /// <summary>Whether it leaves the outputs as they were, but for the order of sums.</summary>
    public bool IsLossless { get; init; }

    /// <summary>SHA-256 of the trained model as it is kept; null where the step trained nothing.</summary>
    public string? TrainedWeights { get; init; }

    /// <summary>Where the step did nothing, and why.</summary>
    public IReadOnlyList<string> Reasons { get; init; } = [];
}

/// <summary>A diagnostic before it has a project: a code, and the arguments that follow the model's name and target.</summary>
internal sealed record Note(string Code, IReadOnlyList<string> Arguments)
{
    internal static Note Of(DiagnosticDescriptor descriptor, params string[] arguments) => new(descriptor.Code, arguments);
}

[JsonSerializable(typeof(Outcome))]
[JsonSourceGenerationOptions(WriteIndented = true, UseStringEnumConverter = true, RespectNullableAnnotations = true, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
internal sealed partial class OutcomeJson : JsonSerializerContext;
