using System.Globalization;
using ModelBuildTasks.Contracts;
using Spectre.Console;

namespace ModelBuildTasks.Worker.Reporting;

/// <summary>A result on the console: what was done, and the artifact beside the original.</summary>
internal static class ResultTable
{
    internal static void Print(OptimizationResult result)
    {
        if (!result.Succeeded)
        {
            return;
        }

        foreach (RecipeStep step in result.Recipe)
        {
            AnsiConsole.MarkupLineInterpolated($"{(step.Applied ? "+" : "-")} {step.Name}: {step.Explanation}");
        }

        Table table = Headings();
        AddSize(table, result.Original!.Bytes, result.Optimized!.Bytes);
        if (result.AccuracyDrop is { } drop)
        {
            table.AddRow(
                $"{drop.Metric} ({drop.Samples} samples)",
                Quantities.Score(result.Original.Accuracy!.Value),
                Quantities.Score(result.Optimized.Accuracy!.Value),
                Markup.Escape($"drop {Quantities.WithInterval(drop.Value, drop.Low, drop.High, "0.0000")}"));
        }

        if (result.LatencyRatio is { Measured: true } ratio)
        {
            table.AddRow(
                "Latency (1 thread)",
                Quantities.Milliseconds(result.Original.LatencyMilliseconds!.Value),
                Quantities.Milliseconds(result.Optimized.LatencyMilliseconds!.Value),
                Markup.Escape($"ratio {Quantities.WithInterval(ratio.Value!.Value, ratio.Low!.Value, ratio.High!.Value, "0.000")}"));
        }

        AnsiConsole.Write(table);
        if (result.LatencyRatio is { Measured: false, Reason: { } reason })
        {
            AnsiConsole.MarkupLineInterpolated($"Latency was not measured: {reason}.");
        }

        AnsiConsole.MarkupLineInterpolated($"{(result.FromCache ? "From the cache" : "Written")}: {result.ArtifactPath}");
    }

    internal static Table Headings() => new Table()
        .Border(TableBorder.Simple)
        .AddColumn("")
        .AddColumn(new TableColumn("Original").RightAligned())
        .AddColumn(new TableColumn("Optimized").RightAligned())
        .AddColumn("Comparison, 95 % interval");

    internal static void AddSize(Table table, long original, long optimized) => table.AddRow(
        "Size", Quantities.Size(original), Quantities.Size(optimized), string.Create(CultureInfo.InvariantCulture, $"ratio {(double)optimized / original:0.000}"));
}
