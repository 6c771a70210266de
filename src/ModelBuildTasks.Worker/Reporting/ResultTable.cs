using System.Globalization;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Evaluation.Statistics;
using Spectre.Console;

namespace ModelBuildTasks.Worker.Reporting;

/// <summary>A result on the console: what was done, and the artifact beside the original.</summary>
internal static class ResultTable
{
    /// <param name="resultPath">The file that the result was written to as well; null for none.</param>
    internal static void Print(OptimizationResult result, string? resultPath)
    {
        if (!result.Succeeded)
        {
            return;
        }

        foreach (RecipeStep step in result.Recipe)
        {
            AnsiConsole.MarkupLineInterpolated($"{(step.Applied ? "+" : "-")} {step.Name}: {step.Explanation}");
            foreach (string place in step.ShownReasons)
            {
                AnsiConsole.MarkupLineInterpolated($"    {place}");
            }
        }

        if (result.Quantization is { } plan)
        {
            Print(plan);
        }
        else if (result.TriedQuantization is { } tried)
        {
            AnsiConsole.MarkupLineInterpolated($"Tried and not shipped: {tried.Layers.Count(layer => layer.IsInteger)} of {tried.Layers.Count} layers in integers");
            Print(tried);
        }

        Table table = Headings();
        AddSize(table, result.Original!.Bytes, result.Optimized!.Bytes);
        if (result.Original is { CompressedBytes: { } larger } && result.Optimized is { CompressedBytes: { } smaller })
        {
            table.AddRow(result.IsCompressed ? "Compressed" : "Compressed, at most", Quantities.Size(larger), Quantities.Size(smaller), Ratio(larger, smaller));
        }

        if (result.Original is { Multiplications: { } whole } && result.Optimized is { Multiplications: { } left })
        {
            table.AddRow("Multiplications", Quantities.Number(whole), Quantities.Number(left), Ratio(whole, left));
        }

        if (result.AccuracyDrop is { } drop)
        {
            AddAccuracy(table, drop.Metric.ToString(), drop.Samples, result.Original.Accuracy!.Value, result.Optimized.Accuracy!.Value, new Estimate(drop.Value, drop.Low, drop.High));
        }

        if (result.LatencyRatio is { Measured: true } ratio)
        {
            AddLatency(table, result.Original.LatencyMilliseconds, result.Optimized.LatencyMilliseconds, ratio.Threads, new Estimate(ratio.Value!.Value, ratio.Low!.Value, ratio.High!.Value));
        }

        if (result.Optimized.PeakMemoryBytes is { } memory)
        {
            (string most, string share) = result.Original.PeakMemoryBytes is { } bytes and > 0 ? (Quantities.Size(bytes), Ratio(bytes, memory)) : ("", "");
            table.AddRow("Memory at most", most, Quantities.Size(memory), share);
        }

        AnsiConsole.Write(table);
        if (result.AccuracyDetails is { } details)
        {
            PrintAnswers(details);
        }

        if (result.LatencyRatio is { Measured: false, Reason: { } reason })
        {
            PrintUnmeasuredLatency(reason);
        }

        ProfileTable.Print(result.Profile);
        AnsiConsole.MarkupLineInterpolated($"{(result.FromCache ? "From the cache" : "Written")}: {result.ArtifactPath}");
        if (result.ExternalData is { } name)
        {
            AnsiConsole.MarkupLineInterpolated($"Its weights, in the same folder: {name}");
        }

        if (result is { ArtifactPath: { } shipped, RequiredOperators.Count: > 0 })
        {
            AnsiConsole.MarkupLineInterpolated($"Operators for a reduced build of ONNX Runtime: {RequiredOperators.PathFor(shipped)}");
        }

        // What is in ORT format can't be read back.
        if ((result.Quantization ?? result.TriedQuantization) is not null && result.RequiredOperators.Count == 0)
        {
            AnsiConsole.MarkupLineInterpolated($"Every layer and tensor: modelbuild inspect {resultPath ?? result.ArtifactPath}{(resultPath is null ? " (with what each loses, after --json)" : "")}");
        }
    }

    /// <summary>What stays in float and why.</summary>
    private static void Print(QuantizationDecisions plan)
    {
        foreach (QuantizedOutput output in plan.Outputs)
        {
            AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"  {output.Name}: {output.SignalToNoise:0.0} dB of signal to noise against float");
        }

        foreach (QuantizedLayer layer in plan.Layers.Where(layer => !layer.IsInteger))
        {
            AnsiConsole.MarkupLineInterpolated($"  {layer.Name} stays in float: {layer.Reason}");
        }
    }

    /// <summary>Which answers changed, and the class and the slice that lost most, where one did.</summary>
    internal static void PrintAnswers(AccuracyDetails details)
    {
        foreach (string sentence in AnswerText.Sentences(details))
        {
            AnsiConsole.MarkupLineInterpolated($"{sentence}");
        }

        if (details.Classes.Where(entry => entry.Samples > 0).MinBy(entry => (entry.RightOptimized - entry.RightOriginal) / (double)entry.Samples) is { } worst && worst.RightOptimized < worst.RightOriginal)
        {
            AnsiConsole.MarkupLineInterpolated($"Class {worst.Title} lost most: {worst.RightOptimized} right of {worst.Samples}, from {worst.RightOriginal}.");
        }

        if (details.Slices.FirstOrDefault() is { Drop: > 0 } slice)
        {
            AnsiConsole.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"Slice '{slice.Slice}' lost most: {slice.Drop:0.0000} of its right answers over {slice.Samples} samples.");
        }
    }

    internal static void PrintUnmeasuredLatency(string reason) => AnsiConsole.MarkupLineInterpolated($"Latency was not measured: {reason}.");

    internal static Table Headings() => new Table()
        .Border(TableBorder.Simple)
        .AddColumn("")
        .AddColumn(new TableColumn("Original").RightAligned())
        .AddColumn(new TableColumn("Optimized").RightAligned())
        .AddColumn("Comparison, 95 % interval");

    internal static void AddSize(Table table, long original, long optimized) => table.AddRow(
        "Size", Quantities.Size(original), Quantities.Size(optimized), Ratio(original, optimized));

    private static string Ratio(long original, long optimized) => string.Create(CultureInfo.InvariantCulture, $"ratio {(double)optimized / original:0.000}");

    internal static void AddAccuracy(Table table, AccuracyResult accuracy) =>
        AddAccuracy(table, accuracy.Metric.ToString(), accuracy.Samples, accuracy.Original.Value, accuracy.Optimized.Value, accuracy.Drop);

    internal static void AddLatency(Table table, LatencyResult latency) =>
        AddLatency(table, latency.OriginalMilliseconds.Value, latency.OptimizedMilliseconds.Value, latency.Threads, latency.Ratio);

    private static void AddAccuracy(Table table, string metric, int samples, double original, double optimized, Estimate? drop) => table.AddRow(
        $"{metric} ({samples} samples)",
        Quantities.Score(original),
        Quantities.Score(optimized),
        drop is { } known ? Markup.Escape($"drop {Quantities.WithInterval(known, "0.0000")}") : "");

    private static void AddLatency(Table table, double? original, double? optimized, int threads, Estimate ratio) => table.AddRow(
        $"Latency ({Quantities.Count(threads, "thread", "threads")})",
        original is { } before ? Quantities.Milliseconds(before) : "",
        optimized is { } after ? Quantities.Milliseconds(after) : "",
        Markup.Escape($"ratio {Quantities.WithInterval(ratio, "0.000")}"));
}
