using System.Globalization;
using System.Xml.Linq;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Evaluation.Budgets;
using ModelBuildTasks.Worker.Pipeline;

namespace ModelBuildTasks.Worker.Reporting.Files;

/// <summary>What a search tried: a table of its trials, and the Pareto front as a plot.</summary>
internal static class SearchSection
{
    /// <summary>Longer tables are shown when they are asked for.</summary>
    private const int MostRowsOpen = 12;

    /// <summary>What is larger is no ratio or drop that means anything, and result files are read as they are.</summary>
    private const double LargestDrawn = 1e9;

    /// <returns>Null where nothing was searched for.</returns>
    internal static object?[]? Of(ReportedModel model)
    {
        if (model.Result.Search is not { } search)
        {
            return null;
        }

        (int Number, SearchTrial Trial)[] trials = [.. search.Trials.Select((trial, index) => (index + 1, trial))];
        XElement? plot = Plot(model, trials);
        return
        [
            new XElement("h3", "Search"),
            new XElement("p", string.Join(' ', ((string?[])[SearchStory.Opening(search), search.Decision, SearchStory.CutShort(search)]).Where(sentence => !string.IsNullOrEmpty(sentence)))),
            plot,
            plot is null ? null : new XElement("p", new XAttribute("class", "note"),
                "Filled dots may ship; the large one was kept, as a ring where it is only the closest. Small rings were refused; a broken ring lies beyond the edge that it is drawn on. The line is the Pareto front of these two quantities, "
                + "numbered as in the table, whose front is that of latency, size and accuracy. Dashed: the source model. Solid: allowed. Further left and down is better."),
            trials.Length == 0 ? null : Folded(Table(trials)),
        ];

        XElement Folded(XElement table) => trials.Length <= MostRowsOpen ? table : new XElement("details", new XElement("summary", $"Show all {trials.Length} trials"), table);
    }

    /// <summary>What became of a trial, with a sign, so that nothing is told by its color alone.</summary>
    internal static string Verdict(SearchTrial trial) => trial switch
    {
        { IsChosen: true, Refusal: null } => "✓ kept",
        { IsChosen: true } => "? kept as the closest",
        { Refusal: not null } => "✗ refused",
        { IsOnFront: true } => "on the front",
        _ => "may ship",
    };

    private static XElement Table((int Number, SearchTrial Trial)[] trials)
    {
        bool Any(Func<SearchTrial, bool> has) => trials.Any(row => has(row.Trial));
        bool hasAccuracy = Any(trial => trial.Accuracy is not null), hasDrop = Any(trial => trial.Drop is not null);
        return HtmlTable.Of("Trials, in the order in which they were tried", trials,
            new("No.", row => $"{row.Number}", Class: "number"),
            new("Form", row => new object[] { row.Trial.Name, new XElement("span", new XAttribute("class", "why"), Why(row.Trial)) }, IsHeading: true),
            new("Verdict", row => new XElement("span", new XAttribute("class", $"verdict {Color(row.Trial)}"), Verdict(row.Trial))),
            new("Size", row => row.Trial.Bytes is { } bytes ? Quantities.Size(bytes) : "", Class: "number"),
            hasAccuracy ? new("Accuracy", row => Figure(row.Trial.Accuracy, "0.0000"), Class: "number") : null,
            hasDrop ? new("Drop", row => Figure(row.Trial.Drop, "0.0000"), Class: "number") : null,
            !hasDrop && Any(trial => trial.Cosine is not null) ? new("Cosine", row => Figure(row.Trial.Cosine, "0.0000"), Class: "number") : null,
            Any(trial => trial.LatencyRatio is not null) ? new("Latency, 95 % interval", row => Latency(row.Trial)) : null,
            Any(trial => trial.PeakMemoryBytes is not null) ? new("Memory at most", row => row.Trial.PeakMemoryBytes is { } memory ? Quantities.Size(memory) : "", Class: "number") : null,
            new("Took", row => row.Trial is { Seconds: 0, Bytes: not null } ? "cached" : row.Trial.Seconds > 0 && double.IsFinite(row.Trial.Seconds) ? Quantities.Seconds(row.Trial.Seconds) : "", Class: "number"));
    }

    private static string Color(SearchTrial trial) => trial switch
    {
        { IsChosen: true, Refusal: null } => "passed",
        { IsChosen: true } => "undecided",
        { Refusal: null, IsOnFront: true } => "unjudged",
        _ => "notmeasured",
    };

    private static string Latency(SearchTrial trial) => trial.LatencyRatio is null ? ""
        : $"× {Figure(trial.LatencyRatio, "0.000")}{(trial is { LatencyLow: { } low, LatencyHigh: { } high } && double.IsFinite(low) && double.IsFinite(high) ? $" ({Figure(low, "0.000")} to {Figure(high, "0.000")})" : "")}";

    private static string Why(SearchTrial trial) => string.Join(' ', ((string?[])
    [
        FaultDiagnostics.Clause(trial.Reason) is { Length: > 0 } reason ? $"Tried because {reason}." : null,
        trial.Refusal is { } refusal ? $"Refused, for {FaultDiagnostics.Clause(refusal)}." : null,
    ]).OfType<string>());

    /// <summary>By latency and drop where both were measured; else by the next two quantities of which two trials have both.</summary>
    private static XElement? Plot(ReportedModel model, (int Number, SearchTrial Trial)[] trials)
    {
        double? original = model.Result.Original is { Bytes: > 0 } source ? source.Bytes : null;
        (PlotAxis Axis, Func<SearchTrial, double?> Value) latency = (new("Latency over that of the source model", Ratio, 1, Allowed(nameof(BudgetKind.MaxLatencyRatio))), trial => trial.LatencyRatio);
        (PlotAxis Axis, Func<SearchTrial, double?> Value) size = (new("Size over that of the source model", Ratio, 1, Allowed(nameof(BudgetKind.MaxSizeRatio))), trial => trial.Bytes / original);
        (PlotAxis Axis, Func<SearchTrial, double?> Value) drop = (new("Drop of accuracy", Drop, 0, Allowed(nameof(BudgetKind.MaxAccuracyDrop))), trial => trial.Drop);
        (PlotAxis Axis, Func<SearchTrial, double?> Value) unlikeness = (new("Unlikeness (1 − cosine)", Drop, 0, null), trial => 1 - trial.Cosine);
        foreach (var (x, y) in new[] { (latency, drop), (latency, unlikeness), (latency, size), (size, drop), (size, unlikeness) })
        {
            PlotDot[] dots =
            [
                .. trials.Select(row => (row.Number, row.Trial, X: x.Value(row.Trial), Y: y.Value(row.Trial)))
                    .Where(row => IsDrawable(row.X) && IsDrawable(row.Y))
                    .Select(row => new PlotDot(row.Number, row.Trial.Name, row.X!.Value, row.Y!.Value, Kind(row.Trial))),
            ];
            if (dots.Length >= 2)
            {
                return ScatterPlot.Draw(x.Axis, y.Axis, dots);
            }
        }

        return null;

        double? Allowed(string budget) => model.Budget(budget)?.Allowed is { } limit && IsDrawable(limit) ? limit : null;
    }

    private static bool IsDrawable(double? number) => number is { } known && Math.Abs(known) <= LargestDrawn;

    private static DotKind Kind(SearchTrial trial) => trial switch
    {
        { IsChosen: true } => trial.Refusal is null ? DotKind.Chosen : DotKind.Closest,
        { Refusal: not null } => DotKind.Refused,
        { IsOnFront: true } => DotKind.Front,
        _ => DotKind.Fit,
    };

    private static string Ratio(double ratio) => string.Create(CultureInfo.InvariantCulture, $"× {ratio:0.###}");

    private static string Drop(double drop) => drop.ToString("0.####;−0.####;0", CultureInfo.InvariantCulture);

    private static string Figure(double? number, string format) => number switch
    {
        null => "",
        double.NaN => "undefined",
        double.PositiveInfinity => "∞",
        double.NegativeInfinity => "−∞",
        { } known => known.ToString($"{format};−{format};{format}", CultureInfo.InvariantCulture),
    };
}
