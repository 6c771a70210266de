using System.Text.Json.Nodes;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Reporting.Files;
using ModelBuildTasks.Worker.Tests.Infra;
using StbImageSharp;
using static ModelBuildTasks.Worker.Tests.Infra.SampleResults;

namespace ModelBuildTasks.Worker.Tests.Reporting;

[TestClass]
public sealed class ReportPageInBrowserTests : IDisposable
{
    /// <summary>More than a window without text, plots and verdicts could have.</summary>
    private const int FewestColors = 20;

    private readonly Workplace place = new();

    public required TestContext TestContext { get; init; }

    public void Dispose() => place.Dispose();

    [TestMethod]
    [Timeout(120_000, CooperativeCancellation = true)]
    [DataRow(false, 255)]
    [DataRow(true, 18)]
    public async Task The_page_is_drawn_on_the_paper_of_the_system(bool isDark, int paper)
    {
        await using Browser browser = await Browser.Start(TestContext.CancellationToken);

        await browser.Show(LongAndHostileNames(), 390, isDark);

        ImageResult picture = ImageResult.FromMemory(await browser.Picture(), ColorComponents.RedGreenBlueAlpha);
        Assert.AreEqual(paper, picture.Data[0], "The corner has the color of the paper.");
        Assert.IsGreaterThan(FewestColors, picture.Data.Chunk(4).Select(pixel => BitConverter.ToInt32(pixel)).Distinct().Count());
    }

    [TestMethod]
    [Timeout(120_000, CooperativeCancellation = true)]
    [DataRow(1280)]
    [DataRow(390)]
    public async Task The_page_does_not_scroll_sideways(int width)
    {
        await using Browser browser = await Browser.Start(TestContext.CancellationToken);

        await browser.Show(LongAndHostileNames(), width, false);

        Assert.AreEqual(width, await browser.Evaluate("document.documentElement.scrollWidth"));
    }

    [TestMethod]
    [Timeout(120_000, CooperativeCancellation = true)]
    [DataRow(1280)]
    [DataRow(390)]
    public async Task Every_drawing_has_room(int width)
    {
        await using Browser browser = await Browser.Start(TestContext.CancellationToken);

        await browser.Show(LongAndHostileNames(), width, false);

        Assert.AreEqual(0, await browser.Evaluate("[...document.querySelectorAll('svg')].filter(svg => svg.getBoundingClientRect().width < 20).length"));
    }

    [TestMethod]
    [Timeout(120_000, CooperativeCancellation = true)]
    public async Task Two_models_have_two_histograms_each()
    {
        await using Browser browser = await Browser.Start(TestContext.CancellationToken);

        await browser.Show(LongAndHostileNames(), 1280, false);

        Assert.AreEqual(4, await browser.Evaluate("document.querySelectorAll('.histogram').length"));
    }

    [TestMethod]
    [Timeout(120_000, CooperativeCancellation = true)]
    [DataRow(1280)]
    [DataRow(390)]
    public async Task Every_histogram_is_drawn(int width)
    {
        await using Browser browser = await Browser.Start(TestContext.CancellationToken);

        await browser.Show(LongAndHostileNames(), width, false);

        Assert.AreEqual(0, await browser.Evaluate("[...document.querySelectorAll('.histogram')].filter(histogram => !(histogram.querySelector('path')?.getBoundingClientRect().height >= 20)).length"));
    }

    [TestMethod]
    [Timeout(120_000, CooperativeCancellation = true)]
    [DataRow(1280)]
    [DataRow(390)]
    public async Task Every_trial_is_a_dot_inside_its_plot(int width)
    {
        await using Browser browser = await Browser.Start(TestContext.CancellationToken);

        await browser.Show(LongAndHostileNames(), width, false);

        Assert.AreEqual(8, await browser.Evaluate("""
            [...document.querySelectorAll('.field circle')].filter(circle => {
              const [dot, field] = [circle, circle.closest('.field')].map(e => e.getBoundingClientRect());
              return dot.width >= 8 && dot.left >= field.left && dot.right <= field.right && dot.top >= field.top && dot.bottom <= field.bottom;
            }).length
            """));
    }

    [TestMethod]
    [Timeout(120_000, CooperativeCancellation = true)]
    public async Task The_page_requests_nothing_but_itself()
    {
        await using Browser browser = await Browser.Start(TestContext.CancellationToken);

        await browser.Show(LongAndHostileNames(), 1280, false);

        string[] requests = [.. browser.Events.Where(found => found.Method == "Network.requestWillBeSent").Select(found => (string)found.Parameters["request"]!["url"]!).Where(address => !address.StartsWith("data:", StringComparison.Ordinal))];
        CollectionAssert.AreEqual(new[] { new Uri(place["report/models.html"]).AbsoluteUri }, requests);
    }

    [TestMethod]
    [Timeout(120_000, CooperativeCancellation = true)]
    public async Task The_page_logs_no_error()
    {
        await using Browser browser = await Browser.Start(TestContext.CancellationToken);

        await browser.Show(LongAndHostileNames(), 1280, false);

        Assert.IsEmpty(browser.Events.Where(found => found.Method is "Runtime.exceptionThrown" or "Runtime.consoleAPICalled" or "Log.entryAdded"), string.Join('\n', browser.Events.Select(found => found.Parameters.ToJsonString())));
    }

    [TestMethod]
    [Timeout(120_000, CooperativeCancellation = true)]
    [DataRow(1280, "Ranges")]
    [DataRow(1280, "Budgets")]
    [DataRow(360, "Budgets")]
    public async Task A_table_shows_all_its_columns(int width, string table)
    {
        await using Browser browser = await Browser.Start(TestContext.CancellationToken);
        ReportedModel model = Quantized("digits/with/a/very/long/name/as/exporters/give/them/to/layers/and/models").With(
            new JudgedBudget { Name = "MaxClassAccuracyDrop", Allowed = 0.125, Value = 0.0312, Low = -0.0125, High = 0.0512, Verdict = Verdict.NotMeasured, Sentence = "It was not measured." },
            new JudgedBudget { Name = "MaxSize", Allowed = 402_653_184, Value = 358_496_123, Low = 358_496_123, High = 358_496_123, Verdict = Verdict.Passed, Sentence = "It passed." });
        model.Result.Quantization!.Tensors.Add(new QuantizedTensor
        {
            Name = "model/backbone/stage4/unit_with_a_long_name/block_3/expanded_conv/depthwise/BatchNorm/FusedBatchNormV3_output_0", Lowest = -123.4, Highest = 1234, Scale = 0.001234, ZeroPoint = -128, Method = "MeanSquaredError", SignalToNoise = 42,
        });

        await browser.Show(ModelReport.Of([model]).Write(place["report"]), width, false);

        Assert.AreEqual(0, await browser.Evaluate($"Math.max(...[...document.querySelectorAll('[aria-label=\"{table}\"]')].map(box => box.scrollWidth - box.clientWidth))"));
    }

    [TestMethod]
    [Timeout(120_000, CooperativeCancellation = true)]
    [DataRow(false)]
    [DataRow(true)]
    public async Task Text_stands_out_from_what_is_behind_it(bool isDark)
    {
        await using Browser browser = await Browser.Start(TestContext.CancellationToken);
        string page = ModelReport.Of([Searched().With(Budget(Verdict.Failed), Budget(Verdict.Undecided), Budget(Verdict.NotMeasured), Budget(Verdict.Passed)), Failed()]).Write(place["report"]);

        await browser.Show(page, 1280, isDark);

        // WCAG 2.2, 1.4.3: a contrast of 4.5 for text; relative luminance by its glossary.
        Assert.IsGreaterThanOrEqualTo(4.5, await browser.Evaluate("""
            (() => {
              const numbers = color => color.match(/[\d.]+/g).map(Number);
              const luminance = color => numbers(color).slice(0, 3).map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
                .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
              const behind = e => { const c = getComputedStyle(e).backgroundColor; return numbers(c)[3] === 0 ? (e.parentElement ? behind(e.parentElement) : 'rgb(255,255,255)') : c; };
              const contrasts = [...document.querySelectorAll('body *')].filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())).map(e => {
                const style = getComputedStyle(e);
                const [a, b] = [luminance(e.tagName === 'text' ? style.fill : style.color), luminance(behind(e))].sort((x, y) => y - x);
                return (a + 0.05) / (b + 0.05);
              });
              return Math.min(...contrasts);
            })()
            """));
    }

    /// <summary>A page with all that makes one wide or unsafe: a long name, one that means something to HTML, every verdict, and a model that failed.</summary>
    private string LongAndHostileNames() => ModelReport.Of([
        Searched("digits/with/a/very/long/name/as/exporters/give/them/to/layers/and/models").With(Budget(Verdict.Failed), Budget(Verdict.Undecided), Budget(Verdict.Passed, "MaxLatencyRatio")),
        Searched(HostileName).With(Budget(Verdict.NotMeasured)),
        Failed()]).Write(place["report"]);
}
