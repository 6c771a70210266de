using System.Collections.Generic;
using System.Linq;
using ModelBuildTasks.Contracts.Json;

namespace ModelBuildTasks.Contracts;

/// <summary>One step of the pipeline: what it did, or why it did nothing.</summary>
public sealed class RecipeStep
{
    private const int MostShownReasons = 5;

    public string Name { get; set; } = "";

    public bool Applied { get; set; }

    public string Explanation { get; set; } = "";

    /// <summary>Where the step did nothing, and why.</summary>
    public IReadOnlyList<string> Reasons { get; set; } = [];

    /// <summary>The reasons that a summary shows: of a step that did nothing at all, the first.</summary>
    public IEnumerable<string> ShownReasons => Reasons.Take(Applied ? 0 : MostShownReasons);

    internal static RecipeStep Read(JsonObject json) => new()
    {
        Name = json.Text(nameof(Name)) ?? "",
        Applied = json.Flag(nameof(Applied)),
        Explanation = json.Text(nameof(Explanation)) ?? "",
        Reasons = json.Texts(nameof(Reasons)),
    };

    internal void Write(JsonWriter json) => json.Add(nameof(Name), Name).Add(nameof(Applied), Applied).Add(nameof(Explanation), Explanation).Texts(nameof(Reasons), Reasons);
}

/// <summary>Size and, where measured, work, accuracy and latency of one model.</summary>
public sealed class ModelFigures
{
    /// <summary>File size, external data included.</summary>
    public long Bytes { get; set; }

    /// <summary>The same compressed: what ships where <see cref="OptimizationResult.IsCompressed"/>, else at most what would; null when not measured.</summary>
    public long? CompressedBytes { get; set; }

    /// <summary>Multiplications of one run in layers with weights; null when not counted.</summary>
    public long? Multiplications { get; set; }

    /// <summary>In the metric's own unit; null when not measured.</summary>
    public double? Accuracy { get; set; }

    /// <summary>Median time of one run in milliseconds; null when not measured.</summary>
    public double? LatencyMilliseconds { get; set; }

    /// <summary>Bytes of memory that loading and running takes at most, see docs/BUDGETS.md; null when not measured.</summary>
    public long? PeakMemoryBytes { get; set; }

    internal static ModelFigures? Read(JsonObject? json) => json is null ? null : new ModelFigures
    {
        Bytes = json.Integer(nameof(Bytes)) ?? 0,
        CompressedBytes = json.Integer(nameof(CompressedBytes)),
        Multiplications = json.Integer(nameof(Multiplications)),
        Accuracy = json.Number(nameof(Accuracy)),
        LatencyMilliseconds = json.Number(nameof(LatencyMilliseconds)),
        PeakMemoryBytes = json.Integer(nameof(PeakMemoryBytes)),
    };

    internal void Write(JsonWriter json) => json
        .Add(nameof(Bytes), Bytes)
        .Add(nameof(CompressedBytes), CompressedBytes)
        .Add(nameof(Multiplications), Multiplications)
        .Add(nameof(Accuracy), Accuracy)
        .Add(nameof(LatencyMilliseconds), LatencyMilliseconds)
        .Add(nameof(PeakMemoryBytes), PeakMemoryBytes);
}

/// <summary>How much accuracy the optimized model lost against the original on the same samples; negative when it gained.</summary>
public sealed class AccuracyDrop
{
    public double Value { get; set; }

    /// <summary>Lower end of the 95 % interval.</summary>
    public double Low { get; set; }

    /// <summary>Upper end of the 95 % interval.</summary>
    public double High { get; set; }

    public int Samples { get; set; }

    /// <summary>The metric that was used, never <see cref="Contracts.Metric.Auto"/>.</summary>
    public Metric Metric { get; set; }

    internal static AccuracyDrop? Read(JsonObject? json) => json is null ? null : new AccuracyDrop
    {
        Value = json.Number(nameof(Value)) ?? 0,
        Low = json.Number(nameof(Low)) ?? 0,
        High = json.Number(nameof(High)) ?? 0,
        Samples = (int)(json.Integer(nameof(Samples)) ?? 0),
        Metric = json.Choice<Metric>(nameof(Metric)),
    };

    internal void Write(JsonWriter json) => json
        .Add(nameof(Value), (double?)Value)
        .Add(nameof(Low), (double?)Low)
        .Add(nameof(High), (double?)High)
        .Add(nameof(Samples), Samples)
        .Add(nameof(Metric), Metric.ToString());
}

/// <summary>Latency of the optimized model divided by the original's, both measured interleaved in one run.</summary>
public sealed class LatencyRatio
{
    /// <summary>Null when not measured.</summary>
    public double? Value { get; set; }

    /// <summary>Lower end of the interval: 99 % by one look, so that it holds 95 % though measuring looks several times before it ends.</summary>
    public double? Low { get; set; }

    /// <summary>Upper end of that interval.</summary>
    public double? High { get; set; }

    /// <summary>Number of interleaved pairs of runs.</summary>
    public int Pairs { get; set; }

    public bool Measured { get; set; }

    /// <summary>The processor's own name, see <see cref="Caching.ProcessorName"/>; null when not measured.</summary>
    public string? Processor { get; set; }

    /// <summary>Threads inside an operator; 0 when not measured.</summary>
    public int Threads { get; set; }

    /// <summary>Why it was not measured; null when it was.</summary>
    public string? Reason { get; set; }

    internal static LatencyRatio? Read(JsonObject? json) => json is null ? null : new LatencyRatio
    {
        Value = json.Number(nameof(Value)),
        Low = json.Number(nameof(Low)),
        High = json.Number(nameof(High)),
        Pairs = (int)(json.Integer(nameof(Pairs)) ?? 0),
        Measured = json.Flag(nameof(Measured)),
        Processor = json.Text(nameof(Processor)),
        Threads = (int)(json.Integer(nameof(Threads)) ?? 0),
        Reason = json.Text(nameof(Reason)),
    };

    internal void Write(JsonWriter json) => json
        .Add(nameof(Value), Value)
        .Add(nameof(Low), Low)
        .Add(nameof(High), High)
        .Add(nameof(Pairs), Pairs)
        .Add(nameof(Measured), Measured)
        .Add(nameof(Processor), Processor)
        .Add(nameof(Threads), Threads)
        .Add(nameof(Reason), Reason);
}
