using System.Text;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Reporting.History;

namespace ModelBuildTasks.Worker.Reporting.Files;

/// <summary>What result files tell, in one order whatever order they are named in: by model, then by target.</summary>
internal sealed class ModelReport
{
    private ModelReport(IReadOnlyList<ReportedModel> models, LockHistory history) => (Models, History) = (models, history);

    internal IReadOnlyList<ReportedModel> Models { get; }

    internal LockHistory History { get; }

    /// <summary>Every budget with its model, the ones that want attention first.</summary>
    internal IEnumerable<(ReportedModel Model, JudgedBudget Budget)> Budgets =>
        Models.SelectMany(model => model.Result.Budgets, (model, budget) => (model, budget)).OrderBy(entry => entry.budget.Verdict switch
        {
            Verdict.Failed => 0,
            Verdict.Undecided => 1,
            Verdict.NotMeasured => 2,
            _ => 3,
        });

    internal IEnumerable<(ReportedModel Model, Diagnostic Diagnostic)> Diagnostics =>
        Models.SelectMany(model => model.Diagnostics, (model, diagnostic) => (model, diagnostic));

    /// <summary>What the lock file has against the results.</summary>
    internal IEnumerable<(ReportedModel Model, Diagnostic Diagnostic)> LockFindings =>
        Models.SelectMany(model => model.LockFindings ?? [], (model, diagnostic) => (model, diagnostic));

    /// <summary>The verdicts in one line: "1 failed, 5 passed".</summary>
    internal string Summary
    {
        get
        {
            string[] counts = [.. Budgets.CountBy(entry => entry.Budget.Verdict).Select(count => $"{count.Value} {VerdictText.Word(count.Key)}")];
            string models = Quantities.Count(Models.Count, "artifact", "artifacts");
            string locked = LockFindings.Count() is var found and > 0 ? $"; the lock file: {found} failed" : "";
            return $"{models}; {(counts.Length == 0 ? "no budget is written" : $"{Quantities.Count(Budgets.Count(), "budget", "budgets")}: {string.Join(", ", counts)}")}{locked}";
        }
    }

    /// <param name="history">Of the project's lock file; null where there is none.</param>
    internal static ModelReport Of(IEnumerable<ReportedModel> models, LockHistory? history = null) => new([.. models
        .OrderBy(model => model.Name, StringComparer.Ordinal)
        .ThenBy(model => model.Target, StringComparer.Ordinal)
        .ThenBy(model => model.Result.Model, StringComparer.Ordinal)], history ?? LockHistory.None);

    /// <summary>Writes all forms of the report into a folder, which is made.</summary>
    /// <returns>The path of the page.</returns>
    /// <exception cref="IOException">A file cannot be written, or <see cref="UnauthorizedAccessException"/>.</exception>
    internal string Write(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach ((string name, string text) in ((string, string)[])[
            ("models.json", ReportJson.Write(this)),
            ("models.md", MarkdownSummary.Write(this)),
            ("models.sarif", SarifLog.Write(this)),
            ("models.junit.xml", JUnitLog.Write(this)),
            ("models.html", ReportPage.Write(this))])
        {
            File.WriteAllText(Path.Combine(folder, name), text, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        }

        return Path.Combine(folder, "models.html");
    }
}
