using System.Globalization;
using System.Xml.Linq;
using ModelBuildTasks.Worker.Reporting.History;

namespace ModelBuildTasks.Worker.Reporting.Files;

/// <summary>How a model's size, accuracy and latency went from commit to commit of the lock file.</summary>
internal static class HistorySection
{
    /// <summary>Percent of a drawing that stays free above and below its line, for dots on its edges.</summary>
    private const double Margin = 12;

    /// <returns>Null where there is not more than one state.</returns>
    internal static object?[]? Of(IReadOnlyList<LockedState> states) => states.Count < 2 ? null :
    [
        new XElement("h3", "History"),
        new XElement("p", new XAttribute("class", "note"), $"As the lock file had it in {states.Count} commits, the oldest at the left. A commit that changed nothing of this model is left out."),
        new XElement("div", new XAttribute("class", "plots"),
            Plot("Size", states, state => state.Entry.ShippedSize, size => Quantities.Size((long)size)),
            Plot($"Accuracy{(states[^1].Entry.Drop is { } drop ? $" ({drop.Metric})" : "")}", states, state => state.Entry.Accuracy, Quantities.Score),
            Plot("Latency over that of the source model", states, state => state.Entry.Latency?.Value, Ratio)),
        new XElement("details", new XElement("summary", "Show the commits"), HtmlTable.Of("History", states.Reverse(),
            new("Date", state => state.Date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)),
            new("Commit", state => state.Commit, IsHeading: true),
            new("Size", state => Quantities.Size(state.Entry.ShippedSize), Class: "number"),
            new("Accuracy", state => state.Entry.Accuracy is { } accuracy ? Quantities.Score(accuracy) : "", Class: "number"),
            new("Latency", state => state.Entry.Latency is not { Value: { } ratio } latency ? ""
                : string.Create(CultureInfo.InvariantCulture, $"{Ratio(ratio)} ({latency.Low:0.000} to {latency.High:0.000})"), Class: "number"),
            new("Steps", state => string.Join(", ", state.Entry.Plan)),
            new("What the commit says", state => state.Subject))),
    ];

    private static XElement? Plot(string title, IReadOnlyList<LockedState> states, Func<LockedState, double?> value, Func<double, string> format)
    {
        (double X, double Value, LockedState State)[] points =
        [
            .. states.Select((state, index) => (100 * (index + 0.5) / states.Count, Value: value(state), state))
                .Where(point => point.Value is { } number && double.IsFinite(number)).Select(point => (point.Item1, point.Value!.Value, point.state)),
        ];
        if (points.Length < 2)
        {
            return null;
        }

        (double least, double most) = (points.Min(point => point.Value), points.Max(point => point.Value));
        double Height(double number) => most > least ? 100 - Margin - (100 - 2 * Margin) * (number - least) / (most - least) : 50;
        string ends = $"{format(points[0].Value)} → {format(points[^1].Value)}";
        return new XElement("figure", new XAttribute("class", "history"),
            new XElement("figcaption", title),
            new XElement("p", new XElement("strong", ends), most > least ? $", between {format(least)} and {format(most)}" : ", unchanged"),
            new XElement("svg",
                new XAttribute("class", "line"),
                new XAttribute("role", "img"),
                new XAttribute("aria-label", $"{title} from commit to commit: {string.Join(", ", points.Select(point => format(point.Value)))}"),
                new XElement("svg", new XAttribute("viewBox", "0 0 100 100"), new XAttribute("preserveAspectRatio", "none"),
                    new XElement("polyline",
                        new XAttribute("vector-effect", "non-scaling-stroke"),
                        new XAttribute("points", string.Join(" ", points.Select(point => $"{Number(point.X)},{Number(Height(point.Value))}"))))),
                points.Select(point => new XElement("circle",
                    new XAttribute("cx", $"{Number(point.X)}%"),
                    new XAttribute("cy", $"{Number(Height(point.Value))}%"), new XAttribute("r", "3.5"),
                    new XElement("title", $"{point.State.Date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)} {point.State.Commit}: {format(point.Value)}")))));
    }

    private static string Ratio(double ratio) => string.Create(CultureInfo.InvariantCulture, $"× {ratio:0.000}");

    private static string Number(double percent) => percent.ToString("0.##", CultureInfo.InvariantCulture);
}
