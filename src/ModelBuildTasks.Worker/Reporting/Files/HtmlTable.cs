using System.Xml.Linq;

namespace ModelBuildTasks.Worker.Reporting.Files;

/// <summary>A column of a table.</summary>
/// <param name="Heading">Its heading.</param>
/// <param name="Content">What it says of a row: text or an element.</param>
/// <param name="Class">Of the style sheet: "number" aligns right, "wide" is left out of narrow windows.</param>
/// <param name="IsHeading">Whether it names the row.</param>
internal sealed record HtmlColumn<T>(string Heading, Func<T, object> Content, string? Class = null, bool IsHeading = false);

/// <summary>A table that scrolls by itself where it is wider than the page.</summary>
internal static class HtmlTable
{
    /// <param name="name">What it is a table of, for those who do not see it.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="columns">The columns; null for one that is left out.</param>
    internal static XElement Of<T>(string name, IEnumerable<T> rows, params HtmlColumn<T>?[] columns)
    {
        HtmlColumn<T>[] shown = [.. columns.OfType<HtmlColumn<T>>()];
        // What scrolls must be reached by the keyboard (WCAG 2.1.1).
        return new XElement("div", new XAttribute("class", "scroll"), new XAttribute("tabindex", "0"), new XAttribute("role", "group"), new XAttribute("aria-label", name), new XElement("table",
            new XElement("thead", new XElement("tr", shown.Select(column => new XElement("th", new XAttribute("scope", "col"), Style(column), column.Heading)))),
            new XElement("tbody", rows.Select(row => new XElement("tr", shown.Select(column =>
                column.IsHeading
                    ? new XElement("th", new XAttribute("scope", "row"), column.Content(row))
                    : new XElement("td", Style(column), column.Content(row))))))));
    }

    private static XAttribute? Style<T>(HtmlColumn<T> column) => column.Class is { } name ? new XAttribute("class", name) : null;
}
