using System.Globalization;
using System.Xml.Linq;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.Worker.Reporting.Files;

/// <summary>What the page says of where the time of a run goes.</summary>
internal static class OperatorSection
{
    internal static object?[]? Of(OperatorProfile? profile) => profile is null || profile.Original.Count + profile.Optimized.Count == 0 ? null :
    [
        new XElement("h3", "Slowest operators"),
        new XElement("p", "Shares of the time of all operators, from ONNX Runtime's profiler. Fused operators are one."),
        Table("Before, in the source model", profile.Original),
        Table("After, in the artifact", profile.Optimized),
    ];

    private static object?[]? Table(string heading, IReadOnlyList<OperatorTime> operators) => operators.Count == 0 ? null :
    [
        new XElement("h4", heading),
        HtmlTable.Of(heading, operators,
            new("Operator", time => time.OpType, IsHeading: true),
            new("Node", time => time.Name),
            new("Share", time => new XElement("span", new XAttribute("class", "noise"), IntervalPlot.Bar(time.Share), new XElement("span", Percent(time.Share)))),
            new("Time", time => Quantities.Milliseconds(time.Milliseconds), Class: "number")),
    ];

    private static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{100 * share:0.0} %");
}
