using System.Globalization;
using System.Text.Json.Serialization;
using ModelBuildTasks.Evaluation.DataChecks;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Evaluation.Statistics;
using Spectre.Console;

namespace ModelBuildTasks.Worker.Reporting;

/// <summary>An artifact on new data, as <c>evaluate</c> prints it, in words or as JSON.</summary>
internal sealed record EvaluationFacts
{
    /// <summary>Classes, slices and channels that are shown; JSON has all.</summary>
    private const int MostShown = 10;

    public required string File { get; init; }

    public required string Data { get; init; }

    public required int Samples { get; init; }

    /// <summary>The model that the artifact is compared with; null for none.</summary>
    public required string? Original { get; init; }

    /// <summary>Null without labels and without the original. Without the original, its scores are those of the artifact.</summary>
    public required AccuracyResult? Accuracy { get; init; }

    /// <summary>The largest first; empty when drift was not measured.</summary>
    public required IReadOnlyList<InputDrift> Drift { get; init; }

    /// <summary>Why drift was not measured, a clause; null when it was.</summary>
    public required string? DriftReason { get; init; }

    internal void Print()
    {
        AnsiConsole.MarkupLineInterpolated($"{File}");
        AnsiConsole.MarkupLineInterpolated($"{Quantities.Count(Samples, "sample", "samples")} of {Data}");
        if (Accuracy is { } accuracy)
        {
            PrintAccuracy(accuracy);
        }

        if (DriftReason is not null)
        {
            AnsiConsole.MarkupLineInterpolated($"Drift was not measured: {DriftReason}.");
            return;
        }

        Table table = new Table().Border(TableBorder.Simple).AddColumn("Input");
        foreach (string heading in (string[])["Mean then", "now", "Deviation then", "now", "Outside", "Drift", "By chance"])
        {
            table.AddColumn(new TableColumn(heading).RightAligned());
        }

        foreach (InputDrift drift in Drift.Take(MostShown))
        {
            table.AddRow(
                Markup.Escape(drift.Then.Part is { } part ? $"{drift.Then.Input}, {part}" : drift.Then.Input),
                Text(drift.Then.Mean, "g4"), Text(drift.Mean, "g4"), Text(drift.Then.Deviation, "g4"), Text(drift.Deviation, "g4"), Text(drift.Outside, "0.0 %"), Text(drift.StabilityIndex, "0.000"), Text(drift.Expected, "0.000"));
        }

        AnsiConsole.Write(table);
        if (Drift.Count > MostShown)
        {
            AnsiConsole.MarkupLineInterpolated($"and {Quantities.Count(Drift.Count - MostShown, "more", "more")} that drifted less");
        }
    }

    private void PrintAccuracy(AccuracyResult accuracy)
    {
        if (Original is null)
        {
            AnsiConsole.MarkupLineInterpolated($"{accuracy.Metric}: {Quantities.WithInterval(accuracy.Optimized, "0.0000")}");
            return;
        }

        Table table = ResultTable.Headings();
        ResultTable.AddAccuracy(table, accuracy);
        AddDrops(accuracy.Classes.Select(drop => ($"Class {drop.Class}{(drop.Name is null ? "" : $" ({drop.Name})")}", drop.Samples, drop.Drop)));
        AddDrops(accuracy.Slices.Select(drop => ($"Slice '{drop.Slice}'", drop.Samples, drop.Drop)));
        AnsiConsole.Write(table);

        void AddDrops(IEnumerable<(string Title, int Samples, Estimate Drop)> groups)
        {
            foreach ((string title, int samples, Estimate drop) in groups.Where(group => group.Drop.Value > 0).Take(MostShown))
            {
                table.AddRow(Markup.Escape($"{title} ({samples} samples)"), "", "", Markup.Escape($"drop {Quantities.WithInterval(drop, "0.0000")}"));
            }
        }
    }

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}

[JsonSerializable(typeof(EvaluationFacts))]
[JsonSourceGenerationOptions(WriteIndented = true, UseStringEnumConverter = true, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
internal sealed partial class EvaluationFactsJson : JsonSerializerContext;
