using System.Xml.Linq;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Worker.Reporting.Files;
using ModelBuildTasks.Worker.Reporting.History;
using static ModelBuildTasks.Worker.Tests.Infra.SampleResults;

namespace ModelBuildTasks.Worker.Tests.Reporting;

[TestClass]
public sealed class HistorySectionTests
{
    [TestMethod]
    public void Size_accuracy_and_latency_are_lines_with_a_point_for_each_state()
    {
        XElement section = Section(State(1000, 0.9, 0.5), State(500, 0.92, 0.25), State(750, 0.91, 0.75));

        XElement[] figures = [.. section.Descendants("figure")];
        Assert.HasCount(3, figures);
        Assert.AreEqual("16.67,12 50,88 83.33,50", (string?)figures[0].Descendants("polyline").Single().Attribute("points"));
        CollectionAssert.AreEqual(new[] { "50%", "88%", "12%" }, figures[2].Descendants("circle").Select(circle => (string)circle.Attribute("cy")!).ToArray());
        StringAssert.Contains(figures[2].Value, "× 0.500 → × 0.750, between × 0.250 and × 0.750");
        Assert.AreEqual("Size from commit to commit: 1000 B, 500 B, 750 B", (string?)figures[0].Descendants("svg").First().Attribute("aria-label"));
        CollectionAssert.AreEqual(new[] { "750 B", "500 B", "1000 B" }, section.Descendants("tbody").Single().Elements("tr").Select(row => row.Elements().ElementAt(2).Value).ToArray());
    }

    [TestMethod]
    public void What_was_not_measured_has_no_line_and_what_did_not_change_a_level_one()
    {
        XElement section = Section(State(1000, 0.9, null), State(1000, 0.91, null));

        Assert.HasCount(2, section.Descendants("figure"));
        Assert.AreEqual("25,50 75,50", (string?)section.Descendants("polyline").First().Attribute("points"));
    }

    [TestMethod]
    public void One_state_is_no_history() => Assert.IsNull(HistorySection.Of([State(1000, 0.9, 0.5)]));

    [TestMethod]
    public void What_a_commit_says_is_text()
    {
        XElement section = Section(State(1, 1, 1), State(2, 1, 1) with { Subject = HostileName });

        StringAssert.Contains(Markup.Write(section, ""), "&lt;img src=x");
    }

    private static XElement Section(params LockedState[] states) => new("div", HistorySection.Of(states)!);

    private static LockedState State(long bytes, double accuracy, double? ratio) => new("abcdef", DateTimeOffset.UnixEpoch, "a subject", LockEntry.Of(new OptimizationRequest(), new OptimizationResult
    {
        Succeeded = true,
        Optimized = new ModelFigures { Bytes = bytes, Accuracy = accuracy },
        LatencyRatio = new LatencyRatio { Measured = ratio is not null, Value = ratio, Low = ratio, High = ratio },
    }));
}
