using System.Globalization;
using System.Xml.Linq;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Evaluation.Budgets;

namespace ModelBuildTasks.Worker.Reporting.Files;

/// <summary>
/// The report for people: one HTML file without scripts that asks nothing of any network, which its own Content-Security-Policy forbids too.
/// </summary>
internal static class ReportPage
{
    /// <summary>Nothing may be loaded or run; the style sheet and the empty icon, which keeps browsers from asking for one, are in the file.</summary>
    private const string Policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

    internal static string Write(ModelReport report) => Markup.Write(
        new XElement("html", new XAttribute("lang", "en"),
            new XElement("head",
                new XElement("meta", new XAttribute("charset", "utf-8")),
                new XElement("meta", new XAttribute("http-equiv", "Content-Security-Policy"), new XAttribute("content", Policy)),
                new XElement("meta", new XAttribute("name", "viewport"), new XAttribute("content", "width=device-width, initial-scale=1")),
                new XElement("meta", new XAttribute("name", "color-scheme"), new XAttribute("content", "light dark")),
                new XElement("title", "Models"),
                new XElement("link", new XAttribute("rel", "icon"), new XAttribute("href", "data:,")),
                new XElement("style", StyleSheet())),
            new XElement("body",
                new XElement("header", new XElement("h1", "Models"), new XElement("p", $"{report.Summary}.")),
                new XElement("main", Budgets(report), Plots(report), report.Models.Select(model => ModelSection.Of(model, Id(report, model), report.History.Of(model.Name, model.Target))), Diagnostics(report)),
                new XElement("footer", new XElement("p", "Written by ModelBuildTasks from the results of the last build.")))),
        "<!DOCTYPE html>\n");

    private static XElement Budgets(ModelReport report)
    {
        (ReportedModel Model, JudgedBudget Budget)[] budgets = [.. report.Budgets];
        return Section("budgets", "Budgets",
            Locked(report),
            budgets.Length == 0
                ? report.LockFindings.Any() ? null : new XElement("p", "No budget is written, so nothing can be broken: MaxAccuracyDrop, MaxLatencyRatio and MaxSizeRatio are good ones to begin with.")
                : HtmlTable.Of("Budgets", budgets,
                    new("Verdict", entry => Verdict(entry.Budget.Verdict)),
                    // A phone has no room for a column of models; only one of the two is ever shown.
                    new("Budget", entry => new object[] { entry.Budget.Name, new XElement("span", new XAttribute("class", "narrow"), entry.Model.Title) }, IsHeading: true),
                    new("Model", entry => entry.Model.Title, Class: "wide"),
                    new("Measured", entry => VerdictText.Measured(entry.Budget), Class: "number"),
                    new("95 % interval", entry => VerdictText.Interval(entry.Budget), Class: "number"),
                    new("Allowed", entry => VerdictText.Allowed(entry.Budget), Class: "number")),
            budgets.Any(entry => entry.Budget.Verdict != Contracts.Verdict.Passed)
                ? new XElement("ul", new XAttribute("class", "reasons"), budgets.Where(entry => entry.Budget.Verdict != Contracts.Verdict.Passed).Select(entry =>
                    new XElement("li", Verdict(entry.Budget.Verdict), new XElement("strong", $" {entry.Model.Title}, {entry.Budget.Name}: "), entry.Budget.Sentence)))
                : null);
    }

    private static XElement? Locked(ModelReport report) => !report.LockFindings.Any() ? null : new XElement("ul", new XAttribute("class", "reasons"), report.LockFindings.Select(entry =>
        new XElement("li", Verdict(Contracts.Verdict.Failed), new XElement("strong", $" {entry.Model.Title}, lock file: "), entry.Diagnostic.Message)));

    private static XElement? Plots(ModelReport report)
    {
        List<XElement> plots = [];
        Add("Size: bytes that ship over those of the source model", 1, Ratio, report.Models, model => model.SizeRatio is { } size
            ? new PlotRow(model.Title, Id(report, model), size, size, size, model.Budget(nameof(BudgetKind.MaxSizeRatio))) : null);
        Add("Latency: time of the artifact over that of the source model", 1, Ratio, report.Models, model => model.Result.LatencyRatio is { Measured: true, Value: { } value, Low: { } low, High: { } high }
            ? new PlotRow(model.Title, Id(report, model), value, low, high, model.Budget(nameof(BudgetKind.MaxLatencyRatio))) : null);
        foreach (IGrouping<Metric, ReportedModel> models in report.Models.Where(model => model.Result.AccuracyDrop is not null).GroupBy(model => model.Result.AccuracyDrop!.Metric).OrderBy(group => group.Key))
        {
            Add($"Accuracy: what {models.Key} loses", 0, Drop, models, model => model.Result.AccuracyDrop is { } drop
                ? new PlotRow(model.Title, Id(report, model), drop.Value, drop.Low, drop.High, model.Budget(nameof(BudgetKind.MaxAccuracyDrop))) : null);
        }

        return plots.Count == 0 ? null : Section("plots", "Size, latency, accuracy",
            new XElement("div", new XAttribute("class", "plots"), plots),
            new XElement("p", new XAttribute("class", "note"), "Dot: measured. Bar: the 95 % interval. Tick: allowed. Dashed: the source model. Further left is better."),
            Unmeasured(report));

        void Add(string title, double reference, Func<double, string> format, IEnumerable<ReportedModel> models, Func<ReportedModel, PlotRow?> row)
        {
            // An infinite signal to noise, or accuracy that is undefined, has no place on an axis.
            PlotRow[] rows = [.. models.Select(row).OfType<PlotRow>().Where(found => double.IsFinite(found.Low) && double.IsFinite(found.High))];
            if (rows.Length > 0)
            {
                plots.Add(IntervalPlot.Draw(title, rows, reference, format));
            }
        }
    }

    private static XElement? Unmeasured(ModelReport report)
    {
        XElement[] reasons = [.. report.Models.Where(model => model.Result.LatencyRatio is { Measured: false, Reason: not null })
            .Select(model => new XElement("li", new XElement("strong", $"{model.Title}: "), $"latency was not measured: {model.Result.LatencyRatio!.Reason}."))];
        return reasons.Length == 0 ? null : new XElement("ul", new XAttribute("class", "reasons"), reasons);
    }

    private static XElement? Diagnostics(ModelReport report) => !report.Diagnostics.Any() ? null : Section("diagnostics", "Diagnostics",
        new XElement("ul", new XAttribute("class", "reasons"), report.Diagnostics.Select(entry =>
            new XElement("li",
                new XElement("span", new XAttribute("class", entry.Diagnostic.Severity == DiagnosticSeverity.Error ? "failed" : "undecided"), entry.Diagnostic.Severity == DiagnosticSeverity.Error ? "✗ error " : "? warning "),
                ReportLink.IsSafe(entry.Diagnostic.HelpLink) ? new XElement("a", new XAttribute("href", entry.Diagnostic.HelpLink), entry.Diagnostic.Code) : entry.Diagnostic.Code,
                new XElement("strong", $" {entry.Model.Title}: "),
                entry.Diagnostic.Message))));

    private static string Id(ModelReport report, ReportedModel model) => string.Create(CultureInfo.InvariantCulture, $"model-{report.Models.Index().First(entry => ReferenceEquals(entry.Item, model)).Index + 1}");

    private static XElement Section(string id, string title, params object?[] content) =>
        new("section", new XAttribute("aria-labelledby", id), new XElement("h2", new XAttribute("id", id), title), content);

    private static XElement Verdict(Verdict verdict) =>
        new("span", new XAttribute("class", $"verdict {verdict.ToString().ToLowerInvariant()}"), $"{VerdictText.Sign(verdict)} {VerdictText.Word(verdict)}");

    private static string Ratio(double ratio) => string.Create(CultureInfo.InvariantCulture, $"× {ratio:0.##}");

    private static string Drop(double drop) => string.Create(CultureInfo.InvariantCulture, $"{drop:0.####;−0.####;0}");

    private static string StyleSheet()
    {
        using StreamReader reader = new(typeof(ReportPage).Assembly.GetManifestResourceStream("ReportPage.css")!);
        return $"\n{reader.ReadToEnd()}";
    }
}
