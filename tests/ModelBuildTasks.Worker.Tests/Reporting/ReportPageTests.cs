using System.Xml.Linq;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Reporting.Files;
using static ModelBuildTasks.Worker.Tests.Infra.SampleResults;

namespace ModelBuildTasks.Worker.Tests.Reporting;

/// <summary>The page is XML as well as HTML, so that a test can read it.</summary>
[TestClass]
public sealed class ReportPageTests
{
    [TestMethod]
    public void Verdicts_come_first_with_measurement_interval_and_limit()
    {
        XElement page = Page(Quantized().With(Budget(Verdict.Failed), Budget(Verdict.Passed)));

        XElement section = page.Element("body")!.Element("main")!.Elements().First();
        Assert.AreEqual("Budgets", section.Element("h2")!.Value);
        CollectionAssert.AreEqual(
            new[] { "✗ failed", "MaxSizeRatiodigits for cpu", "digits for cpu", "× 0.310", "0.290 to 0.330", "≤ × 0.3" },
            section.Descendants("tbody").Single().Elements("tr").First().Elements().Select(cell => cell.Value).ToArray());
        StringAssert.Contains(section.Element("ul")!.Value, "MaxSizeRatio is Failed.");
    }

    [TestMethod]
    public void Every_plot_says_in_words_what_it_draws()
    {
        XElement page = Page(Quantized().With(Budget(Verdict.Passed, "MaxLatencyRatio")));

        string[] labels = [.. page.Descendants("main").Single().Elements("section").Descendants("svg").Where(svg => (string?)svg.Attribute("role") == "img").Select(svg => (string)svg.Attribute("aria-label")!)];
        CollectionAssert.AreEqual(new[] { "digits for cpu: × 0.3", "digits for cpu: × 0.5 (× 0.45 to × 0.55), × 0.3 allowed: passed", "digits for cpu: 0.005 (−0.001 to 0.011)" }, labels);
        Assert.IsTrue(page.Descendants("svg").All(svg => svg.Attribute("role") is not null || (string?)svg.Attribute("aria-hidden") == "true"));
    }

    [TestMethod]
    public void A_plot_puts_the_source_model_the_limit_and_the_interval_on_one_axis()
    {
        XElement svg = Page(Quantized().With(Budget(Verdict.Passed, "MaxLatencyRatio"))).Descendants("svg").Where(svg => svg.Attribute("role") is not null).ElementAt(1);

        Assert.AreEqual("50%", (string?)svg.Element("circle")!.Attribute("cx"));
        Assert.AreEqual(("45.3%", "54.7%"), (Line("interval", "x1"), Line("interval", "x2")));
        Assert.AreEqual(("97%", "31.2%"), (Line("original", "x1"), Line("allowed", "x1")));

        string? Line(string kind, string end) => (string?)svg.Elements("line").Single(line => (string?)line.Attribute("class") == kind).Attribute(end);
    }

    [TestMethod]
    [DataRow(double.NaN)]
    [DataRow(double.PositiveInfinity)]
    public void What_is_not_finite_is_not_plotted(double number)
    {
        ReportedModel model = Quantized();
        (model.Result.AccuracyDrop!.Value, model.Result.AccuracyDrop.High) = (number, number);

        Assert.AreEqual(2, Page(model).Descendants("main").Single().Elements("section").Descendants("figure").Count());
    }

    [TestMethod]
    public void Of_a_step_that_did_nothing_the_first_reasons_are_told()
    {
        ReportedModel model = Quantized();
        model.Result.Recipe.Add(new RecipeStep { Name = "structured pruning", Explanation = "None.", Reasons = [.. Enumerable.Range(1, 6).Select(i => $"reason {i}")] });

        string text = Page(model).Descendants("article").Single().Value;

        StringAssert.Contains(text, "reason 5");
        Assert.DoesNotContain("reason 6", text);
    }

    [TestMethod]
    public void The_slowest_operators_are_told_before_and_after()
    {
        string text = Page(Quantized()).Descendants("article").Single().Value;

        StringAssert.Contains(text, "Slowest operators");
        StringAssert.Contains(text, "ConvConv 'digits'60.0 %1.2 ms");
        StringAssert.Contains(text, "QLinearConvQLinearConv 'digits'50.0 %0.5 ms");
    }

    [TestMethod]
    public void A_measurement_of_another_device_is_told_with_its_age_and_hardware()
    {
        ReportedModel model = Quantized(target: TargetNames.CpuArm64);
        model.Result.Device = new DeviceMeasurement
        {
            MeasuredUtc = DateTime.UtcNow.AddDays(-12.5),
            Device = new MeasuredDevice { Processor = "Cortex-A76", Cores = 4, OperatingSystem = "Debian", Runtime = "1.31.1", ExecutionProvider = "CPUExecutionProvider" },
            Throughput = [new BatchThroughput { Batch = 8, SamplesPerSecond = 400 }],
        };
        model.Result.Optimized!.PeakMemoryBytes = 12 << 20;

        string text = Page(model).Descendants("article").Single().Value;

        StringAssert.Contains(text, "12 days ago: Cortex-A76, 4 cores, Debian, ONNX Runtime 1.31.1, CPUExecutionProvider, 1 thread. Samples: 400 a second by 8.");
        StringAssert.Contains(text, "Memory at most12.00 MB");
    }

    [TestMethod]
    public void Layers_of_a_form_that_was_not_shipped_are_told_as_such()
    {
        ReportedModel model = Quantized();
        (model.Result.TriedQuantization, model.Result.Quantization) = (model.Result.Quantization, null);

        StringAssert.Contains(Page(model).Descendants("article").Single().Value, "that was tried and not shipped");
    }

    [TestMethod]
    public void Steps_layers_ranges_and_figures_are_told()
    {
        string text = Page(Quantized()).Descendants("article").Single().Value;

        foreach (string expected in (string[])["Simplification. 28 → 20 nodes.", "1 step changed nothing", "1 of 2 layers compute in integers", "integers would make it slower", "8 bits", "exact", "35.0 dB", "MinMax", "2,000,000", "× 0.500 (0.450 to 0.550, 200 pairs)"])
        {
            StringAssert.Contains(text, expected);
        }
    }

    [TestMethod]
    public void A_model_without_an_artifact_is_told_with_its_reason()
    {
        XElement page = Page(Failed());

        StringAssert.Contains(page.Descendants("article").Single().Value, "There is no artifact");
        Assert.AreEqual(DiagnosticCatalogue.NotOnnx.HelpLink, (string?)page.Descendants("section").Last().Descendants("a").Single().Attribute("href"));
    }

    [TestMethod]
    public void What_comes_from_files_is_text()
    {
        string text = ReportPage.Write(ModelReport.Of([Quantized(HostileName).With(Budget(Verdict.Failed, HostileName))]));

        Assert.IsFalse(XDocument.Parse(text).Descendants("img").Any());
        Assert.DoesNotContain("<img", text);
        StringAssert.Contains(text, "&lt;img src=x");
    }

    [TestMethod]
    [DataRow("javascript:alert(1)", false)]
    [DataRow("http://example.org/", false)]
    [DataRow("https://example.org/\" onclick=\"", false)]
    [DataRow("https://example.org/a) [b](c", false)]
    [DataRow("https://example.org/a#b", true)]
    public void Only_addresses_of_web_pages_become_links(string link, bool isSafe) => Assert.AreEqual(isSafe, ReportLink.IsSafe(link));

    [TestMethod]
    public void The_page_loads_and_runs_nothing()
    {
        XElement page = Page(Quantized().With(Budget(Verdict.Failed)), Failed());

        Assert.IsFalse(page.Descendants().Any(element => element.Name.LocalName is "script" or "iframe" or "object" or "embed" or "img" or "form"));
        Assert.IsFalse(page.DescendantsAndSelf().Attributes().Any(attribute => attribute.Name.LocalName is "src" or "srcset" or "style" || attribute.Name.LocalName.StartsWith("on", StringComparison.Ordinal)));
        Assert.DoesNotContain("url(", page.Descendants("style").Single().Value);
        Assert.DoesNotContain("@import", page.Descendants("style").Single().Value);
        StringAssert.StartsWith((string?)page.Descendants("meta").Single(meta => meta.Attribute("http-equiv") is not null).Attribute("content"), "default-src 'none';");
    }

    [TestMethod]
    public void Headings_and_table_headers_are_marked_as_such()
    {
        XElement page = Page(Quantized().With(Budget(Verdict.Failed)));

        Assert.IsTrue(page.Descendants("th").All(header => (string?)header.Attribute("scope") is "col" or "row"));
        Assert.AreEqual(1, page.Descendants("h1").Count());
        int[] levels = [.. page.Descendants().Where(element => element.Name.LocalName is "h1" or "h2" or "h3").Select(heading => heading.Name.LocalName[1] - '0')];
        Assert.IsTrue(levels.Zip(levels.Skip(1)).All(pair => pair.Second <= pair.First + 1), "No level may be left out.");
        string[] ids = [.. page.Descendants().Attributes("id").Select(id => id.Value)];
        CollectionAssert.AllItemsAreUnique(ids);
        CollectionAssert.IsSubsetOf(page.Descendants().Attributes("aria-labelledby").Select(id => id.Value).ToArray(), ids);
        CollectionAssert.IsSubsetOf(page.Descendants("a").Attributes("href").Where(link => link.Value[0] == '#').Select(link => link.Value[1..]).Distinct().ToArray(), ids);
    }

    private static XElement Page(params ReportedModel[] models)
    {
        string text = ReportPage.Write(ModelReport.Of(models));
        StringAssert.StartsWith(text, "<!DOCTYPE html>\n");
        return XDocument.Parse(text).Root!;
    }
}
