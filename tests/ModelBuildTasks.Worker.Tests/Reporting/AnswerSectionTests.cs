using System.Xml.Linq;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Reporting.Files;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Reporting;

[TestClass]
public sealed class AnswerSectionTests
{
    [TestMethod]
    public void The_page_tells_how_many_answers_changed_and_what_so_many_samples_can_tell()
    {
        string text = Page(SampleResults.Answers("dog")).Element("p")!.Value;

        Assert.Contains("4 right answers are lost and 1 won", text);
        Assert.Contains("0.375 (McNemar's exact test)", text);
        Assert.Contains("99.0 % of the samples the same class", text);
        Assert.Contains("a drop of 0.006 from none", text);
    }

    [TestMethod]
    public void Classes_are_listed_with_the_one_that_lost_most_first()
    {
        XElement[] rows = Rows(Table(SampleResults.Answers("dog"), "Class"));

        CollectionAssert.AreEqual(new[] { "0 cat", "1 dog" }, rows.Select(row => row.Element("th")!.Value).ToArray());
        CollectionAssert.AreEqual(new[] { "−4", "250", "0.992 → 0.976", "0.992 → 0.992" }, Cells(rows[0]));
    }

    [TestMethod]
    public void Slices_are_listed_with_their_intervals()
    {
        XElement row = Rows(Table(SampleResults.Answers("night"), "Slice")).Single();

        CollectionAssert.AreEqual(new[] { "40", "5.0 %", "−1.0 % to 12.0 %" }, Cells(row));
    }

    [TestMethod]
    public void The_matrix_has_a_row_for_each_label_and_a_column_for_each_answer()
    {
        XElement table = Table(SampleResults.Answers("dog"), "Label");

        CollectionAssert.AreEqual(new[] { "Label", "0", "1", "2", "none" }, table.Descendants("thead").Single().Descendants("th").Select(heading => heading.Value).ToArray());
        CollectionAssert.AreEqual(new[] { "244 −4", "5 +3", "·", "1 +1" }, Cells(Rows(table)[0]));
        CollectionAssert.AreEqual(new[] { "1 −1", "248 +1", "·", "·" }, Cells(Rows(table)[1]));
    }

    [TestMethod]
    public void Fewer_right_and_more_wrong_answers_are_worse()
    {
        XElement[] rows = Rows(Table(SampleResults.Answers("dog"), "Label"));

        CollectionAssert.AreEqual(new[] { "change worse", "change worse", "change worse" }, rows[0].Descendants("span").Select(Class).Where(name => name.StartsWith("change", StringComparison.Ordinal)).ToArray());
        CollectionAssert.AreEqual(new[] { "change better", "change better" }, rows[1].Descendants("span").Select(Class).Where(name => name.StartsWith("change", StringComparison.Ordinal)).ToArray());
    }

    [TestMethod]
    public void Of_a_large_matrix_the_cells_that_changed_most_are_listed()
    {
        AccuracyDetails details = SampleResults.Answers("dog");
        (details.IsWhole, details.ClassCount) = (false, 1000);

        XElement page = Page(details);

        Assert.Contains("of 1000 classes is too large to show", page.Value);
        CollectionAssert.AreEqual(new[] { "0 cat", "248", "244", "−4" }, Cells(Rows(Table(details, "Label"))[0]));
    }

    [TestMethod]
    public void Many_rows_are_shown_when_they_are_asked_for()
    {
        AccuracyDetails details = new();
        for (int i = 0; i < 25; i++)
        {
            details.Slices.Add(new SliceResult { Slice = $"slice {i}", Samples = 4, Drop = 1.0 / (i + 1) });
        }

        XElement page = Page(details);

        Assert.AreEqual("Show 15 more slices", page.Descendants("summary").Single().Value);
        CollectionAssert.AreEqual(new[] { 10, 15 }, page.Descendants("table").Select(table => Rows(table).Length).ToArray());
    }

    [TestMethod]
    public void Without_classes_there_are_no_tables() => Assert.IsEmpty(Page(new AccuracyDetails { SmallestResolvableDrop = 0.1 }).Descendants("table"));

    [TestMethod]
    public void What_was_not_measured_has_no_section() => Assert.IsNull(AnswerSection.Of(null));

    private static XElement Page(AccuracyDetails details) => new("article", AnswerSection.Of(details)!);

    private static XElement Table(AccuracyDetails details, string firstHeading) =>
        Page(details).Descendants("table").First(table => table.Descendants("th").First().Value == firstHeading);

    private static XElement[] Rows(XElement table) => [.. table.Element("tbody")!.Elements()];

    private static string[] Cells(XElement row) => [.. row.Elements("td").Select(cell => cell.Value)];

    private static string Class(XElement element) => element.Attribute("class")?.Value ?? "";
}
