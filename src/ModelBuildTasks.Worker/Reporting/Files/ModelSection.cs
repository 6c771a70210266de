using System.Globalization;
using System.Xml.Linq;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Reporting.History;

namespace ModelBuildTasks.Worker.Reporting.Files;

/// <summary>What the page says of one model for one target: figures beside the source model's, steps, layers, ranges.</summary>
internal static class ModelSection
{
    /// <summary>Longer tables are shown when they are asked for.</summary>
    private const int MostRowsOpen = 40;

    internal static XElement Of(ReportedModel model, string id, IReadOnlyList<LockedState> history) => new("article", new XAttribute("aria-labelledby", id),
        new XElement("h2", new XAttribute("id", id), model.Title),
        Figures(model.Result),
        DeviceSection.Of(model.Result.Device, DateTime.UtcNow),
        AnswerSection.Of(model.Result.AccuracyDetails),
        HistorySection.Of(history),
        SearchSection.Of(model),
        Steps(model.Result),
        OperatorSection.Of(model.Result.Profile),
        model.Result.Quantization is { } plan ? new[] { Layers(plan, "Layers"), NoiseSection.Of(plan), Ranges(plan), DistributionSection.Of(plan) }
            : model.Result.TriedQuantization is { } tried ? Layers(tried, "Layers of the integer form that was tried and not shipped") : null);

    private static XElement Figures(OptimizationResult result)
    {
        if (result is not { Succeeded: true, Original: { } original, Optimized: { } optimized })
        {
            return new XElement("p", "There is no artifact; the diagnostics below say why.");
        }

        List<Figure> rows = [new("Size", Quantities.Size(original.Bytes), Quantities.Size(optimized.Bytes), Ratio(original.Bytes, optimized.Bytes))];
        if (original.CompressedBytes is { } larger && optimized.CompressedBytes is { } smaller)
        {
            rows.Add(new(result.IsCompressed ? "Compressed" : "Compressed, at most", Quantities.Size(larger), Quantities.Size(smaller), Ratio(larger, smaller)));
        }

        if (original.Multiplications is { } whole && optimized.Multiplications is { } left)
        {
            rows.Add(new("Multiplications", Quantities.Number(whole), Quantities.Number(left), Ratio(whole, left)));
        }

        if (result.LatencyRatio is { Measured: true, Value: { } ratio, Low: { } fastest, High: { } slowest } latency && original.LatencyMilliseconds is { } before && optimized.LatencyMilliseconds is { } after)
        {
            rows.Add(new("Latency", Quantities.Milliseconds(before), Quantities.Milliseconds(after),
                string.Create(CultureInfo.InvariantCulture, $"× {ratio:0.000} ({fastest:0.000} to {slowest:0.000}, {latency.Pairs} pairs)")));
        }

        if (optimized.PeakMemoryBytes is { } memory)
        {
            (string most, string share) = original.PeakMemoryBytes is { } bytes and > 0 ? (Quantities.Size(bytes), Ratio(bytes, memory)) : ("", "");
            rows.Add(new("Memory at most", most, Quantities.Size(memory), share));
        }

        if (result.AccuracyDrop is { } drop && original.Accuracy is { } score && optimized.Accuracy is { } kept)
        {
            rows.Add(new($"Accuracy ({drop.Metric})", Quantities.Score(score), Quantities.Score(kept),
                string.Create(CultureInfo.InvariantCulture, $"drop {Signed(drop.Value)} ({Signed(drop.Low)} to {Signed(drop.High)}, {drop.Samples} samples)")));
        }

        return HtmlTable.Of("Figures", rows,
            new("Figure", row => row.Name, IsHeading: true),
            new("Source model", row => row.Original, Class: "number"),
            new("Artifact", row => row.Optimized, Class: "number"),
            new("Comparison, 95 % interval", row => row.Comparison));
    }

    private static object?[]? Steps(OptimizationResult result)
    {
        RecipeStep[] idle = [.. result.Recipe.Where(step => !step.Applied)];
        return result.Recipe.Count == 0 ? null : new object?[]
        {
            new XElement("h3", "What was done"),
            new XElement("ol", result.Recipe.Where(step => step.Applied).Select(Item)),
            idle.Length == 0 ? null : new XElement("details",
                new XElement("summary", $"{Quantities.Count(idle.Length, "step", "steps")} changed nothing"),
                new XElement("ul", idle.Select(Item))),
        };

        static XElement Item(RecipeStep step) => new("li", new XElement("strong", $"{Capitalized(step.Name)}. "), step.Explanation,
            step.ShownReasons.Any() ? new XElement("ul", step.ShownReasons.Select(reason => new XElement("li", reason))) : null);
    }

    private static object?[]? Layers(QuantizationDecisions plan, string heading)
    {
        if (plan.Layers.Count == 0)
        {
            return null;
        }

        double most = plan.Layers.Select(layer => layer.SignalToNoise ?? 0).Where(double.IsFinite).Append(1).Max();
        return
        [
            new XElement("h3", heading),
            new XElement("p", $"{plan.Layers.Count(layer => layer.IsInteger)} of {Quantities.Count(plan.Layers.Count, "layer computes", "layers compute")} in integers.",
                plan.Outputs.Where(output => output.SignalToNoise is not null).Select(output => $" Output {output.Name}: {Decibels(output.SignalToNoise)} of signal to noise against the float model.")),
            Folded(plan.Layers.Count, HtmlTable.Of(heading, plan.Layers,
                new("Layer", layer => layer.Name, IsHeading: true),
                new("Computes in", layer => layer.IsInteger ? "integers" : "float"),
                new("Weights", layer => layer.WeightBits is { } bits ? $"{bits} bits" : "float"),
                plan.Layers.Any(layer => layer.SignalToNoise is not null)
                    ? new("Signal to noise of its result", layer => Noise(layer.SignalToNoise, most)) : null,
                plan.Layers.Any(layer => layer.Sensitivity is not null)
                    ? new("Float would bring back", layer => layer.Sensitivity is { } sensitivity ? Decibels(sensitivity) : "", Class: "number") : null,
                plan.Layers.Any(layer => layer.Reason is not null) ? new("Why not in integers", layer => layer.Reason ?? "") : null)),
        ];
    }

    private static object?[]? Ranges(QuantizationDecisions plan)
    {
        if (plan.Tensors.Count == 0)
        {
            return null;
        }

        double largest = plan.Tensors.SelectMany(tensor => (double[])[Math.Abs(tensor.Lowest ?? 0), Math.Abs(tensor.Highest ?? 0)]).Where(double.IsFinite).Append(double.Epsilon).Max();
        double most = plan.Tensors.Select(tensor => tensor.SignalToNoise ?? 0).Where(double.IsFinite).Append(1).Max();
        return
        [
            new XElement("h3", "Ranges"),
            new XElement("p", $"{Quantities.Count(plan.Tensors.Count, "tensor is", "tensors are")} stored as integers, which stand for the numbers of a fixed range. The bars of the ranges share one scale, zero in the middle."),
            Folded(plan.Tensors.Count, HtmlTable.Of("Ranges", plan.Tensors,
                new("Tensor", tensor => tensor.Name, IsHeading: true),
                new("Range", tensor => tensor is { Lowest: { } low, Highest: { } high } && double.IsFinite(low) && double.IsFinite(high) ? IntervalPlot.Range(low, high, largest) : ""),
                new("Lowest", tensor => Number(tensor.Lowest), Class: "number"),
                new("Highest", tensor => Number(tensor.Highest), Class: "number"),
                new("Scale", tensor => Number(tensor.Scale), Class: "number"),
                new("Zero point", tensor => $"{tensor.ZeroPoint}", Class: "number"),
                plan.Tensors.Any(tensor => tensor.SignalToNoise is not null) ? new("Signal to noise", tensor => Noise(tensor.SignalToNoise, most)) : null,
                new("How it was found", tensor => tensor.Method ?? ""))),
        ];
    }

    private static XElement Folded(int rows, XElement table) => rows <= MostRowsOpen ? table : new XElement("details", new XElement("summary", $"Show all {rows}"), table);

    private static object Noise(double? decibels, double most) => decibels is not { } ratio ? "" : new XElement("span", new XAttribute("class", "noise"),
        IntervalPlot.Bar(ratio / most), new XElement("span", Decibels(ratio)));

    private static string Decibels(double? ratio) => ratio is double.PositiveInfinity ? "exact" : string.Create(CultureInfo.InvariantCulture, $"{ratio:0.0} dB");

    private static string Number(double? number) => number?.ToString("G4", CultureInfo.InvariantCulture).Replace('-', '−') ?? "";

    private static string Signed(double number) => number.ToString("0.0000;−0.0000;0.0000", CultureInfo.InvariantCulture);

    private static string Ratio(long original, long optimized) => string.Create(CultureInfo.InvariantCulture, $"× {(double)optimized / original:0.000}");

    private static string Capitalized(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];

    private sealed record Figure(string Name, string Original, string Optimized, string Comparison);
}
