using System.Text.Json.Serialization;

namespace ModelBuildTasks.Worker.Caching;

/// <summary>What is known of an artifact, without any path or name of the project that asked for it.</summary>
internal sealed record Outcome
{
    public required string ArtifactSha256 { get; init; }

    public required long OriginalBytes { get; init; }

    public required long ArtifactBytes { get; init; }

    public required IReadOnlyList<Step> Steps { get; init; }

    public required IReadOnlyList<Note> Notes { get; init; }

    public AccuracyFigures? Accuracy { get; init; }

    public LatencyFigures? Latency { get; init; }

    /// <summary>Why latency was not measured; null when it was.</summary>
    public string? LatencyReason { get; init; }
}

/// <summary>One step of the recipe.</summary>
internal sealed record Step(string Name, bool Applied, string Explanation);

/// <summary>A diagnostic before it has a project: a code, and the arguments that follow the model's name and target.</summary>
internal sealed record Note(string Code, IReadOnlyList<string> Arguments)
{
    internal static Note Of(Contracts.DiagnosticDescriptor descriptor, params string[] arguments) => new(descriptor.Code, arguments);
}

/// <summary>Accuracy of both models on the same samples, in the metric's unit; the drop with its 95 % interval.</summary>
internal sealed record AccuracyFigures(
    Contracts.Metric Metric, int Samples, double Original, double Optimized, double Drop, double Low, double High, double? WorstClassDrop, string? WorstClass);

/// <summary>Median times in milliseconds, and the ratio optimized/original with its 95 % interval.</summary>
internal sealed record LatencyFigures(double OriginalMilliseconds, double OptimizedMilliseconds, double Ratio, double Low, double High, int Pairs);

[JsonSerializable(typeof(Outcome))]
[JsonSourceGenerationOptions(WriteIndented = true, UseStringEnumConverter = true, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
internal sealed partial class OutcomeJson : JsonSerializerContext;
