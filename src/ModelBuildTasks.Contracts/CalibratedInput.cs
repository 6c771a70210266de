using System.Collections.Generic;
using ModelBuildTasks.Contracts.Json;

namespace ModelBuildTasks.Contracts;

/// <summary>How the numbers of one channel of one input were distributed over the calibration data, as the model gets them; what later data is held against.</summary>
public sealed class CalibratedInput
{
    public string Input { get; set; } = "";

    /// <summary>The channel, or the element of a short vector; null where all elements of the input are taken together.</summary>
    public int? Channel { get; set; }

    public int Samples { get; set; }

    public double Mean { get; set; }

    public double Deviation { get; set; }

    public double Lowest { get; set; }

    public double Highest { get; set; }

    /// <summary>Ascending upper bounds of bins; one more bin lies beyond.</summary>
    public IReadOnlyList<double> Edges { get; set; } = [];

    /// <summary>Share of the numbers in each bin.</summary>
    public IReadOnlyList<double> Shares { get; set; } = [];

    internal static CalibratedInput Read(JsonObject json) => new()
    {
        Input = json.Text(nameof(Input)) ?? "",
        Channel = (int?)json.Integer(nameof(Channel)),
        Samples = (int)(json.Integer(nameof(Samples)) ?? 0),
        Mean = json.Number(nameof(Mean)) ?? 0,
        Deviation = json.Number(nameof(Deviation)) ?? 0,
        Lowest = json.Number(nameof(Lowest)) ?? 0,
        Highest = json.Number(nameof(Highest)) ?? 0,
        Edges = json.Numbers(nameof(Edges)),
        Shares = json.Numbers(nameof(Shares)),
    };

    internal void Write(JsonWriter json) => json
        .Add(nameof(Input), Input)
        .Add(nameof(Channel), Channel)
        .Add(nameof(Samples), Samples)
        .Add(nameof(Mean), (double?)Mean)
        .Add(nameof(Deviation), (double?)Deviation)
        .Add(nameof(Lowest), (double?)Lowest)
        .Add(nameof(Highest), (double?)Highest)
        .Numbers(nameof(Edges), Edges)
        .Numbers(nameof(Shares), Shares);
}
