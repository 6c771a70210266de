using System.Collections.Generic;
using System.Linq;
using ModelBuildTasks.Contracts.Json;

namespace ModelBuildTasks.Contracts.Searching;

/// <summary>What a search tried and found, in the order in which it was tried.</summary>
public sealed class SearchAccount
{
    /// <summary>What was to be made best.</summary>
    public Objective Objective { get; set; }

    /// <summary>Seconds that the search took.</summary>
    public double Seconds { get; set; }

    /// <summary>Whether the time was up before all was tried.</summary>
    public bool IsCutShort { get; set; }

    /// <summary>Why the chosen trial was chosen, as a sentence.</summary>
    public string Decision { get; set; } = "";

    public IReadOnlyList<SearchTrial> Trials { get; set; } = [];

    internal static SearchAccount? Read(JsonObject? json) => json is null ? null : new SearchAccount
    {
        Objective = json.Choice<Objective>(nameof(Objective)),
        Seconds = json.Number(nameof(Seconds)) ?? 0,
        IsCutShort = json.Flag(nameof(IsCutShort)),
        Decision = json.Text(nameof(Decision)) ?? "",
        Trials = [.. json.Objects(nameof(Trials)).Select(SearchTrial.Read)],
    };

    internal void Write(JsonWriter json) => json
        .Add(nameof(Objective), Objective.ToString())
        .Add(nameof(Seconds), (double?)Seconds)
        .Add(nameof(IsCutShort), IsCutShort)
        .Add(nameof(Decision), Decision)
        .Objects(nameof(Trials), Trials, (trial, inner) => trial.Write(inner));
}
