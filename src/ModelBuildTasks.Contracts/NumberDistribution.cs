using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using ModelBuildTasks.Contracts.Json;

namespace ModelBuildTasks.Contracts;

/// <summary>How often numbers of each size come, in bins of one width.</summary>
public sealed class NumberDistribution
{
    /// <summary>More bins than any worker writes; a file with more is not ours.</summary>
    private const int MostBins = 1024;

    /// <summary>The lower edge of the first bin.</summary>
    public double Lowest { get; set; }

    /// <summary>The width of a bin.</summary>
    public double Width { get; set; }

    /// <summary>The count of each bin.</summary>
    public IReadOnlyList<long> Counts { get; set; } = [];

    /// <summary>Of weights: the largest magnitude of the output channel where it is smallest; null for activations.</summary>
    public double? NarrowestChannel { get; set; }

    /// <summary>Of weights: the largest magnitude of all; null for activations.</summary>
    public double? WidestChannel { get; set; }

    /// <exception cref="InvalidDataException">A count is no number, or there are too many.</exception>
    internal static NumberDistribution? Read(JsonObject? json)
    {
        if (json is null)
        {
            return null;
        }

        var counts = (json.Text(nameof(Counts)) ?? "").Split([' '], StringSplitOptions.RemoveEmptyEntries);
        return new NumberDistribution
        {
            Lowest = json.Number(nameof(Lowest)) ?? 0,
            Width = json.Number(nameof(Width)) ?? 0,
            Counts = counts.Length > MostBins ? throw new InvalidDataException($"a distribution has {counts.Length} bins, at most {MostBins} are read") : [.. counts.Select(Count)],
            NarrowestChannel = json.Number(nameof(NarrowestChannel)),
            WidestChannel = json.Number(nameof(WidestChannel)),
        };
    }

    /// <summary>Counts are one text: results are read in every build, and a line for each count would be most of their lines.</summary>
    internal void Write(JsonWriter json) => json
        .Add(nameof(Lowest), (double?)Lowest)
        .Add(nameof(Width), (double?)Width)
        .Add(nameof(Counts), string.Join(" ", Counts.Select(count => count.ToString(CultureInfo.InvariantCulture))))
        .Add(nameof(NarrowestChannel), NarrowestChannel)
        .Add(nameof(WidestChannel), WidestChannel);

    private static long Count(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
        ? count
        : throw new InvalidDataException($"'{text}' is no count of a distribution");
}
