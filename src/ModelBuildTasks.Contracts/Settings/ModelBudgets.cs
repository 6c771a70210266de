using ModelBuildTasks.Contracts.Json;

namespace ModelBuildTasks.Contracts;

/// <summary>The limits that an artifact must keep; null is no limit.</summary>
public sealed class ModelBudgets
{
    /// <summary>Least accuracy, in the metric's unit.</summary>
    public double? MinAccuracy { get; set; }

    /// <summary>Largest loss against the original, in the metric's unit: 0.01 is one point of Top1.</summary>
    public double? MaxAccuracyDrop { get; set; }

    /// <summary>Largest loss of any one class.</summary>
    public double? MaxClassAccuracyDrop { get; set; }

    public double? MaxLatencyMilliseconds { get; set; }

    /// <summary>The processor that <see cref="MaxLatencyMilliseconds"/> was set on, as the lock file tells; null where none does, or it is this one.</summary>
    public string? MaxLatencyProcessor { get; set; }

    /// <summary>Latency over the original's, both measured in the same run.</summary>
    public double? MaxLatencyRatio { get; set; }

    public long? MaxSizeBytes { get; set; }

    /// <summary>Size over the original's.</summary>
    public double? MaxSizeRatio { get; set; }

    public long? MaxMemoryBytes { get; set; }

    internal static ModelBudgets Read(JsonObject? json) => json is null ? new ModelBudgets() : new ModelBudgets
    {
        MinAccuracy = json.Number(nameof(MinAccuracy)),
        MaxAccuracyDrop = json.Number(nameof(MaxAccuracyDrop)),
        MaxClassAccuracyDrop = json.Number(nameof(MaxClassAccuracyDrop)),
        MaxLatencyMilliseconds = json.Number(nameof(MaxLatencyMilliseconds)),
        MaxLatencyProcessor = json.Text(nameof(MaxLatencyProcessor)),
        MaxLatencyRatio = json.Number(nameof(MaxLatencyRatio)),
        MaxSizeBytes = json.Integer(nameof(MaxSizeBytes)),
        MaxSizeRatio = json.Number(nameof(MaxSizeRatio)),
        MaxMemoryBytes = json.Integer(nameof(MaxMemoryBytes)),
    };

    internal void Write(JsonWriter json) => json
        .Add(nameof(MinAccuracy), MinAccuracy)
        .Add(nameof(MaxAccuracyDrop), MaxAccuracyDrop)
        .Add(nameof(MaxClassAccuracyDrop), MaxClassAccuracyDrop)
        .Add(nameof(MaxLatencyMilliseconds), MaxLatencyMilliseconds)
        .Add(nameof(MaxLatencyProcessor), MaxLatencyProcessor)
        .Add(nameof(MaxLatencyRatio), MaxLatencyRatio)
        .Add(nameof(MaxSizeBytes), MaxSizeBytes)
        .Add(nameof(MaxSizeRatio), MaxSizeRatio)
        .Add(nameof(MaxMemoryBytes), MaxMemoryBytes);
}
