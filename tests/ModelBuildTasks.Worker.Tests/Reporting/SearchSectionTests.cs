using System.Xml.Linq;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Worker.Reporting.Files;
using static ModelBuildTasks.Worker.Tests.Infra.SampleResults;

namespace ModelBuildTasks.Worker.Tests.Reporting;

[TestClass]
public sealed class SearchSectionTests
{
    private readonly ReportedModel model = Searched();

    private SearchAccount Search => model.Result.Search!;

    [TestMethod]
    public void What_was_sought_and_decided_comes_first()
    {
        Search.IsCutShort = true;

        Assert.AreEqual(
            "The search for the lowest latency tried 5 forms in 41 s, 1 of them known from the cache. It is the fastest of the forms that keep the accuracy. The time was up before all was tried: a longer ModelOptimizationTimeout may find better.",
            Section().Elements("p").First().Value);
    }

    [TestMethod]
    public void A_trial_is_a_row_with_verdict_figures_time_and_reasons()
    {
        XElement[] rows = [.. Section().Descendants("tbody").Single().Elements("tr")];

        CollectionAssert.AreEqual(
            new[] { "4", "structured pruning 25 % + static int8Tried because half lost too much.", "✓ kept", "300 B", "0.9850", "0.0050", "× 0.500 (0.450 to 0.550)", "4.0 KB", "11 s" }, Cells(rows[3]));
        CollectionAssert.AreEqual(
            new[] { "5", "weight-only int4Tried because it is small. Refused, for output 'digits' has infinite or undefined values.", "✗ refused", "200 B", "", "", "", "", "1.0 s" }, Cells(rows[4]));
        CollectionAssert.AreEqual(new[] { "on the front", "may ship", "✗ refused" }, rows.Take(3).Select(row => Cells(row)[2]).ToArray());
        Assert.AreEqual("cached", Cells(rows[0])[8]);
    }

    [TestMethod]
    public void What_was_kept_though_it_may_not_ship_is_no_success()
    {
        Search.Trials[3].Refusal = "its size is × 0.3, more than × 0.2";

        Assert.AreEqual("? kept as the closest", Section().Descendants("span").Where(span => (string?)span.Attribute("class") == "verdict undecided").Single().Value);
    }

    [TestMethod]
    public void Trials_are_dots_by_latency_and_drop()
    {
        XElement figure = Figure()!;

        Assert.AreEqual("Drop of accuracy (up) against latency over that of the source model (across)", figure.Element("figcaption")!.Value);
        CollectionAssert.AreEqual(new[] { "refused beyond", "fit", "front", "chosen" }, figure.Descendants("circle").Select(dot => (string)dot.Attribute("class")!).ToArray(), "What is kept is drawn last.");
        CollectionAssert.AreEqual(new[] { "5%", "69.29%", "88.57%", "30.71%" }, Values(figure.Descendants("circle").Attributes("cx")));
        CollectionAssert.AreEqual(new[] { "5%", "65%", "95%", "70%" }, Values(figure.Descendants("circle").Attributes("cy")));
        StringAssert.StartsWith(figure.Descendants("circle").Last().Value, "4. structured pruning 25 % + static int8: latency over that of the source model × 0.5, drop of accuracy 0.005");
    }

    [TestMethod]
    public void The_front_is_a_line_through_what_nothing_beats_in_both()
    {
        Search.Trials = [.. Search.Trials, new SearchTrial { Name = "small", Bytes = 10, Drop = 0.009, LatencyRatio = 0.9, IsOnFront = true, Seconds = 1 }];

        XElement figure = Figure()!;

        Assert.AreEqual(2, ((string)figure.Descendants("polyline").Single().Attribute("points")!).Split(' ').Length, "What is on the front for its size alone is not on the line.");
        CollectionAssert.AreEqual(new[] { "4", "1", "6" }, figure.Descendants("svg").Single(svg => (string?)svg.Attribute("class") == "field").Elements("text").Select(text => text.Value).ToArray());
    }

    [TestMethod]
    public void What_was_kept_as_the_closest_is_a_ring_off_the_line()
    {
        Search.Trials[3].Refusal = "its size is × 0.3, more than × 0.2";

        XElement figure = Figure()!;

        Assert.AreEqual("8", (string?)figure.Descendants("circle").Single(dot => (string?)dot.Attribute("class") == "closest").Attribute("r"));
        Assert.IsEmpty(figure.Descendants("polyline"));
    }

    [TestMethod]
    [DataRow(1e300)]
    [DataRow(-1e300)]
    [DataRow(1e9)]
    [DataRow(1e-300)]
    public void Whatever_a_result_file_says_a_plot_has_places_and_few_ticks(double number)
    {
        (Search.Trials[0].Drop, Search.Trials[1].LatencyRatio) = (number, number);

        XElement figure = Figure()!;

        Assert.DoesNotContain("NaN", figure.ToString());
        Assert.IsLessThanOrEqualTo(12, figure.Descendants("svg").Where(svg => (string?)svg.Attribute("class") is "axis" or "upright").Elements("text").Count());
    }

    [TestMethod]
    public void A_plot_says_in_words_what_it_draws() => Assert.AreEqual(
        "4 forms, 1 refused. 4. structured pruning 25 % + static int8, which is kept: latency over that of the source model × 0.5, drop of accuracy 0.005; "
        + "1. simplification alone: latency over that of the source model × 0.95, drop of accuracy 0.",
        (string?)Figure()!.Descendants("svg").Single(svg => svg.Attribute("role") is not null).Attribute("aria-label"));

    [TestMethod]
    public void A_budget_is_a_line_across_the_plot()
    {
        model.With(new JudgedBudget { Name = "MaxAccuracyDrop", Allowed = 0.01, Verdict = Verdict.Passed });

        XElement line = Figure()!.Descendants("line").Single(line => (string?)line.Attribute("class") == "allowed");

        Assert.AreEqual(("0", "100%"), ((string?)line.Attribute("x1"), (string?)line.Attribute("x2")));
    }

    [TestMethod]
    public void A_form_that_lost_all_does_not_press_the_others_into_a_corner()
    {
        Search.Trials[2].Drop = 0.9;

        XElement[] dots = [.. Figure()!.Descendants("circle")];

        Assert.AreEqual("5%", (string?)dots[0].Attribute("cy"));
        Assert.AreEqual("65%", (string?)dots[1].Attribute("cy"));
    }

    [TestMethod]
    public void Without_a_drop_the_unlikeness_is_drawn()
    {
        foreach (SearchTrial trial in Search.Trials)
        {
            (trial.Drop, trial.Cosine) = (null, 0.99);
        }

        StringAssert.StartsWith(Figure()!.Element("figcaption")!.Value, "Unlikeness (1 − cosine) (up)");
        StringAssert.Contains(Section().Descendants("thead").Single().Value, "Cosine");
    }

    [TestMethod]
    public void Without_a_finite_drop_the_size_is_drawn()
    {
        foreach (SearchTrial trial in Search.Trials)
        {
            trial.Drop = double.PositiveInfinity;
        }

        Assert.AreEqual("Size over that of the source model (up) against latency over that of the source model (across)", Figure()!.Element("figcaption")!.Value);
        Assert.AreEqual("∞", Cells(Section().Descendants("tbody").Single().Elements("tr").First())[5]);
    }

    [TestMethod]
    public void Without_latency_the_drop_is_drawn_by_size()
    {
        foreach (SearchTrial trial in Search.Trials)
        {
            trial.LatencyRatio = null;
        }

        Assert.AreEqual("Drop of accuracy (up) against size over that of the source model (across)", Figure()!.Element("figcaption")!.Value);
        Assert.DoesNotContain("Latency", Section().Descendants("thead").Single().Value);
    }

    [TestMethod]
    [DataRow(null)]
    [DataRow(double.NaN)]
    [DataRow(double.NegativeInfinity)]
    public void Where_fewer_than_two_trials_have_figures_there_is_no_plot(double? ratio)
    {
        model.Result.Original = null;
        foreach (SearchTrial trial in Search.Trials.Skip(1))
        {
            trial.LatencyRatio = ratio;
        }

        Assert.IsNull(Figure());
        Assert.DoesNotContain("Pareto", Section().Value);
    }

    [TestMethod]
    public void Trials_that_are_all_alike_are_drawn()
    {
        Search.Trials = [.. Enumerable.Range(0, 3).Select(i => new SearchTrial { Name = $"{i}", LatencyRatio = 1, Drop = 0, Seconds = 1 })];

        Assert.IsTrue(Figure()!.Descendants("circle").All(dot => (string?)dot.Attribute("cx") == "50%" && (string?)dot.Attribute("cy") == "50%"));
    }

    [TestMethod]
    public void Many_trials_are_shown_when_asked_for()
    {
        Search.Trials = [.. Enumerable.Range(0, 30).Select(i => new SearchTrial { Name = $"{i}", LatencyRatio = 0.9, Drop = 0, Seconds = 1 })];

        XElement folded = Section().Descendants("details").Single();

        Assert.AreEqual("Show all 30 trials", folded.Element("summary")!.Value);
        Assert.HasCount(30, folded.Descendants("tbody").Single().Elements("tr"));
    }

    [TestMethod]
    public void A_search_that_tried_nothing_has_no_table()
    {
        Search.Trials = [];

        Assert.IsEmpty(Section().Descendants("table"));
    }

    [TestMethod]
    public void Names_and_reasons_are_text()
    {
        ReportedModel hostile = Searched(HostileName);
        hostile.Result.Search!.Trials[3].Name = HostileName;

        string text = ReportPage.Write(ModelReport.Of([hostile]));

        Assert.DoesNotContain("<img", text);
        Assert.IsFalse(XDocument.Parse(text).Descendants("img").Any());
    }

    [TestMethod]
    public void Without_a_search_there_is_no_section() => Assert.IsNull(SearchSection.Of(Quantized()));

    private XElement Section() => new("div", SearchSection.Of(model)!);

    private XElement? Figure() => Section().Element("figure");

    private static string[] Cells(XElement row) => [.. row.Elements().Select(cell => cell.Value)];

    private static string[] Values(IEnumerable<XAttribute> places) => [.. places.Select(place => place.Value)];
}
