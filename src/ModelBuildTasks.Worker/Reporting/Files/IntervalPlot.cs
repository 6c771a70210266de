using System.Globalization;
using System.Xml.Linq;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Worker.Reporting.Files;

/// <summary>One line of a plot: what was measured, how sure it is, and what is allowed.</summary>
/// <param name="Label">What it is of.</param>
/// <param name="Id">Of the part of the page that tells more of it.</param>
/// <param name="Value">What was measured.</param>
/// <param name="Low">Lower end of the interval; <paramref name="Value"/> where it is exact.</param>
/// <param name="High">Upper end of the interval.</param>
/// <param name="Budget">Its limit and verdict; null where none is written.</param>
internal sealed record PlotRow(string Label, string Id, double Value, double Low, double High, JudgedBudget? Budget);

/// <summary>
/// Points with their intervals on one axis, as SVG. Positions are percentages, so that a drawing is as wide as its place and its text stays
/// as large as the page's, on a phone and on paper; colors are the style sheet's, so that they follow light and dark.
/// </summary>
internal static class IntervalPlot
{
    /// <summary>Percent of the width that the axis leaves free at either end, for dots that lie on it.</summary>
    private const double Margin = 3;

    private const string Middle = "50%";

    /// <param name="title">What is plotted.</param>
    /// <param name="rows">At least one.</param>
    /// <param name="reference">What the original model has, on the same axis.</param>
    /// <param name="format">A value in words.</param>
    internal static XElement Draw(string title, IReadOnlyList<PlotRow> rows, double reference, Func<double, string> format)
    {
        double[] shown = [.. rows.SelectMany(row => (double[])[row.Low, row.High, row.Value, row.Budget?.Allowed ?? reference]).Append(reference).Where(double.IsFinite)];
        (double least, double most) = (Math.Min(0, shown.Min()), shown.Max());
        Func<double, string> place = value => Percent(most > least ? Margin + (100 - 2 * Margin) * (Math.Clamp(value, least, most) - least) / (most - least) : 50);
        return new XElement("figure",
            new XElement("figcaption", title),
            new XElement("ul", Class("plot"), rows.Select(row => Row(row, reference, place, format))),
            new XElement("svg", Class("axis"), new XAttribute("aria-hidden", "true"),
                Ticks(least, most, reference).Select(tick => new XElement("text",
                    new XAttribute("x", place(tick)), new XAttribute("y", "1em"),
                    new XAttribute("text-anchor", tick == least ? "start" : tick == most ? "end" : "middle"), format(tick)))));
    }

    /// <summary>A bar from the left edge.</summary>
    /// <param name="share">Of the width, 0 to 1.</param>
    internal static XElement Bar(double share) => new("svg", Class("bar"), new XAttribute("aria-hidden", "true"),
        new XElement("rect", Class("track"), new XAttribute("width", "100%"), new XAttribute("height", "100%")),
        new XElement("rect", Class("fill"), new XAttribute("width", Percent(100 * Math.Clamp(share, 0, 1))), new XAttribute("height", "100%")));

    /// <summary>A range on an axis from −<paramref name="largest"/> to <paramref name="largest"/>, zero in the middle.</summary>
    internal static XElement Range(double low, double high, double largest)
    {
        double left = 50 + 50 * low / largest;
        return new XElement("svg", Class("bar"), new XAttribute("aria-hidden", "true"),
            new XElement("rect", Class("track"), new XAttribute("width", "100%"), new XAttribute("height", "100%")),
            new XElement("rect", Class("fill"), new XAttribute("x", Percent(left)), new XAttribute("width", Percent(50 * (high - low) / largest)), new XAttribute("height", "100%")),
            Line("zero", Middle, Middle, "0", "100%"));
    }

    private static XElement Row(PlotRow row, double reference, Func<double, string> place, Func<double, string> format)
    {
        string verdict = row.Budget is { } budget ? $", {format(budget.Allowed)} allowed: {VerdictText.Word(budget.Verdict)}" : "";
        string interval = row.Low < row.High ? $" ({format(row.Low)} to {format(row.High)})" : "";
        string kind = row.Budget?.Verdict.ToString().ToLowerInvariant() ?? "unjudged";
        return new XElement("li",
            new XElement("a", new XAttribute("href", $"#{row.Id}"), row.Label),
            new XElement("span", Class("value"), format(row.Value), row.Budget is null ? null : new XElement("span", Class(kind), " " + VerdictText.Sign(row.Budget.Verdict))),
            new XElement("svg", Class($"strip {kind}"), new XAttribute("role", "img"), new XAttribute("aria-label", $"{row.Label}: {format(row.Value)}{interval}{verdict}"),
                Line("baseline", "0", "100%", Middle, Middle),
                Line("original", place(reference), place(reference), "0", "100%"),
                row.Budget is null ? null : Line("allowed", place(row.Budget.Allowed), place(row.Budget.Allowed), "10%", "90%"),
                Line("interval", place(row.Low), place(row.High), Middle, Middle),
                new XElement("circle", new XAttribute("cx", place(row.Value)), new XAttribute("cy", Middle), new XAttribute("r", "5"))));
    }

    /// <summary>The ends and the original, but none that would be written over another.</summary>
    private static IEnumerable<double> Ticks(double least, double most, double reference)
    {
        const double room = 0.25;
        double apart = room * (most - least);
        return reference - least > apart && most - reference > apart ? [least, reference, most]
            : most > least ? [least, most]
            : [least];
    }

    private static XElement Line(string kind, string x1, string x2, string y1, string y2) =>
        new("line", Class(kind), new XAttribute("x1", x1), new XAttribute("x2", x2), new XAttribute("y1", y1), new XAttribute("y2", y2));

    private static XAttribute Class(string name) => new("class", name);

    private static string Percent(double percent) => string.Create(CultureInfo.InvariantCulture, $"{percent:0.##}%");
}
