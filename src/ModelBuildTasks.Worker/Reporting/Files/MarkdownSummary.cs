using System.Globalization;
using System.Text;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Worker.Reporting.Files;

/// <summary>The report for the summary of a CI job, as GitHub Flavored Markdown.</summary>
internal static class MarkdownSummary
{
    /// <summary>ASCII punctuation that CommonMark (2.4) lets a backslash take the meaning of, and that has one inside a line.</summary>
    private const string Special = "\\`*_{}[]<>|#~&$";

    internal static string Write(ModelReport report)
    {
        StringBuilder text = new($"# Models\n\n{report.Summary}.\n");
        Table(text, "Budgets", ["Verdict", "Model", "Target", "Budget", "Measured", "Interval, 95 %", "Allowed"], report.Budgets, entry =>
        [
            $"{VerdictText.Sign(entry.Budget.Verdict)} {VerdictText.Word(entry.Budget.Verdict)}", entry.Model.Name, entry.Model.Target, entry.Budget.Name,
            VerdictText.Measured(entry.Budget), VerdictText.Interval(entry.Budget), VerdictText.Allowed(entry.Budget),
        ]);
        Table(text, "Figures", ["Model", "Target", "Size", "Accuracy", "Latency"], report.Models, model =>
        [
            model.Name, model.Target,
            model.SizeRatio is { } size ? string.Create(CultureInfo.InvariantCulture, $"{Quantities.Size(model.Result.Original!.Bytes)} → {Quantities.Size(model.ShippedBytes!.Value)} (× {size:0.000})") : "no artifact",
            model.Result is { Original.Accuracy: { } before, Optimized.Accuracy: { } after } ? $"{Quantities.Score(before)} → {Quantities.Score(after)}" : "not measured",
            model.Result.LatencyRatio is { Measured: true, Value: { } ratio } ? string.Create(CultureInfo.InvariantCulture, $"× {ratio:0.000}") : "not measured",
        ]);
        Table(text, "Searches", ["Model", "Target", "Tried", "Kept", "Why"], report.Models.Where(model => model.Result.Search is not null), model =>
        [
            model.Name, model.Target, SearchStory.Count(model.Result.Search!),
            model.Result.Search!.Trials.FirstOrDefault(trial => trial.IsChosen)?.Name ?? "none of these",
            string.Join(' ', ((string?[])[model.Result.Search.Decision, SearchStory.CutShort(model.Result.Search)]).Where(sentence => !string.IsNullOrEmpty(sentence))),
        ]);
        if (report.Diagnostics.Any())
        {
            text.Append("\n## Diagnostics\n\n");
        }

        foreach ((ReportedModel model, Diagnostic diagnostic) in report.Diagnostics)
        {
            string code = ReportLink.IsSafe(diagnostic.HelpLink) ? $"[{Escape(diagnostic.Code)}]({diagnostic.HelpLink})" : Escape(diagnostic.Code);
            text.Append(CultureInfo.InvariantCulture, $"- {(diagnostic.Severity == DiagnosticSeverity.Error ? "error" : "warning")} {code}, {Escape(model.Title)}: {Escape(diagnostic.Message)}\n");
        }

        return text.ToString();
    }

    /// <summary>Text that stands for itself, on one line.</summary>
    internal static string Escape(string text)
    {
        StringBuilder escaped = new();
        foreach (char character in text.ReplaceLineEndings(" "))
        {
            if (Special.Contains(character))
            {
                escaped.Append('\\');
            }

            escaped.Append(character);
        }

        return escaped.ToString();
    }

    private static void Table<T>(StringBuilder text, string title, string[] headings, IEnumerable<T> rows, Func<T, string[]> cells)
    {
        T[] all = [.. rows];
        if (all.Length == 0)
        {
            return;
        }

        text.Append(CultureInfo.InvariantCulture, $"\n## {title}\n\n| {string.Join(" | ", headings)} |\n|{string.Concat(headings.Select(_ => "---|"))}\n");
        foreach (T row in all)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {string.Join(" | ", cells(row).Select(Escape))} |\n");
        }
    }
}
