using System.Xml.Linq;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Worker.Reporting.Files;

/// <summary>
/// Budgets as tests, in the form of JUnit's reports that CI systems read: a suite for each model and target, a case for each budget.
/// What was compared with the lock file has a case for that; where there is no artifact, the case is the optimization, and an error.
/// </summary>
internal static class JUnitLog
{
    internal static string Write(ModelReport report) => Markup.Write(
        new XElement("testsuites", new XAttribute("name", "Models"), report.Models.Select(Suite)), "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");

    private static XElement Suite(ReportedModel model)
    {
        XElement[] cases = [.. model.Result.Succeeded ? [] : new[] { NoArtifact(model) }, .. model.Result.Budgets.Select(budget => Case(model, budget)), .. model.LockFindings is { } found ? new[] { Locked(model, found) } : []];
        return new XElement("testsuite",
            new XAttribute("name", model.Title),
            new XAttribute("tests", cases.Length),
            new XAttribute("failures", Count("failure")),
            new XAttribute("errors", Count("error")),
            new XAttribute("skipped", Count("skipped")),
            cases);

        int Count(string outcome) => cases.Count(element => element.Element(outcome) is not null);
    }

    private static XElement Case(ReportedModel model, JudgedBudget budget) => Named(model, $"{budget.Name} {VerdictText.Allowed(budget)}", budget.Verdict switch
    {
        Verdict.Passed => null,
        Verdict.Failed => new XElement("failure", new XAttribute("message", budget.Sentence), new XAttribute("type", budget.Name), budget.Sentence),
        _ => new XElement("skipped", new XAttribute("message", budget.Sentence)),
    });

    private static XElement Locked(ReportedModel model, IReadOnlyList<Diagnostic> found) => Named(model, "Lock file", found.Count == 0 ? null
        : new XElement("failure", new XAttribute("message", found[0].Message), new XAttribute("type", found[0].Code), string.Join('\n', found)));

    private static XElement NoArtifact(ReportedModel model)
    {
        string reason = string.Join('\n', model.Result.Diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error));
        return Named(model, "Optimization", new XElement("error", new XAttribute("message", "There is no artifact."), reason));
    }

    private static XElement Named(ReportedModel model, string name, XElement? outcome) =>
        new("testcase", new XAttribute("classname", $"{model.Name}.{model.Target}"), new XAttribute("name", name), outcome);
}
