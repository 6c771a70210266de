using ModelBuildTasks.Contracts.Json;

namespace ModelBuildTasks.Contracts.Searching;

/// <summary>One form of a model that a search made, and what became of it. Figures that were not measured, because the trial ended before, are null.</summary>
public sealed class SearchTrial
{
    /// <summary>The recipe, such as "structured pruning 25 % + static int8".</summary>
    public string Name { get; set; } = "";

    /// <summary>Why it was tried, as a clause.</summary>
    public string Reason { get; set; } = "";

    /// <summary>Why it may not ship, as a clause; null when it may.</summary>
    public string? Refusal { get; set; }

    /// <summary>Whether it is what ships.</summary>
    public bool IsChosen { get; set; }

    /// <summary>Whether no other trial that may ship is at least as good in latency, size and accuracy together.</summary>
    public bool IsOnFront { get; set; }

    /// <summary>Bytes of what would ship.</summary>
    public long? Bytes { get; set; }

    /// <summary>In the metric's unit.</summary>
    public double? Accuracy { get; set; }

    /// <summary>Against the original; positive is worse.</summary>
    public double? Drop { get; set; }

    /// <summary>Of the output that fares worst, with the original's, 1 at most.</summary>
    public double? Cosine { get; set; }

    /// <summary>Median time over the original's.</summary>
    public double? LatencyRatio { get; set; }

    public double? LatencyLow { get; set; }

    public double? LatencyHigh { get; set; }

    public long? PeakMemoryBytes { get; set; }

    /// <summary>Seconds that it took to make and measure it; 0 where it came from the cache.</summary>
    public double Seconds { get; set; }

    internal static SearchTrial Read(JsonObject json) => new()
    {
        Name = json.Text(nameof(Name)) ?? "",
        Reason = json.Text(nameof(Reason)) ?? "",
        Refusal = json.Text(nameof(Refusal)),
        IsChosen = json.Flag(nameof(IsChosen)),
        IsOnFront = json.Flag(nameof(IsOnFront)),
        Bytes = json.Integer(nameof(Bytes)),
        Accuracy = json.Number(nameof(Accuracy)),
        Drop = json.Number(nameof(Drop)),
        Cosine = json.Number(nameof(Cosine)),
        LatencyRatio = json.Number(nameof(LatencyRatio)),
        LatencyLow = json.Number(nameof(LatencyLow)),
        LatencyHigh = json.Number(nameof(LatencyHigh)),
        PeakMemoryBytes = json.Integer(nameof(PeakMemoryBytes)),
        Seconds = json.Number(nameof(Seconds)) ?? 0,
    };

    internal void Write(JsonWriter json) => json
        .Add(nameof(Name), Name)
        .Add(nameof(Reason), Reason)
        .Add(nameof(Refusal), Refusal)
        .Add(nameof(IsChosen), IsChosen)
        .Add(nameof(IsOnFront), IsOnFront)
        .Add(nameof(Bytes), Bytes)
        .Add(nameof(Accuracy), Accuracy)
        .Add(nameof(Drop), Drop)
        .Add(nameof(Cosine), Cosine)
        .Add(nameof(LatencyRatio), LatencyRatio)
        .Add(nameof(LatencyLow), LatencyLow)
        .Add(nameof(LatencyHigh), LatencyHigh)
        .Add(nameof(PeakMemoryBytes), PeakMemoryBytes)
        .Add(nameof(Seconds), (double?)Seconds);
}
