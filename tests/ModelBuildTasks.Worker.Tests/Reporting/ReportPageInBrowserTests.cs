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
    [DataRow(1280, false, 255)]
    [DataRow(390, false, 255)]
    [DataRow(390, true, 18)]
    public async Task The_page_draws_without_an_error_or_a_request_and_fits_the_window(int width, bool isDark, int paper)
    {
        await using Browser browser = await Browser.Start(TestContext.CancellationToken);
        string page = ModelReport.Of([
            Quantized("digits/with/a/very/long/name/as/exporters/give/them/to/layers/and/models").With(Budget(Verdict.Failed), Budget(Verdict.Undecided), Budget(Verdict.Passed, "MaxLatencyRatio")),
            Quantized(HostileName).With(Budget(Verdict.NotMeasured)),
            Failed()]).Write(place["report"]);

        await browser.Show(page, width, isDark);

        ImageResult picture = ImageResult.FromMemory(await browser.Picture(), ColorComponents.RedGreenBlueAlpha);
        Assert.AreEqual(paper, picture.Data[0], "The corner has the color of the paper.");
        Assert.IsGreaterThan(FewestColors, picture.Data.Chunk(4).Select(pixel => BitConverter.ToInt32(pixel)).Distinct().Count());
        Assert.AreEqual(width, await browser.Evaluate("document.documentElement.scrollWidth"), "The page must not scroll sideways.");
        Assert.AreEqual(0, await browser.Evaluate("[...document.querySelectorAll('svg')].filter(svg => svg.getBoundingClientRect().width < 20).length"), "A drawing has no room.");
        Assert.AreEqual(0, await browser.Evaluate("[...document.querySelectorAll('.histogram path')].filter(path => path.getBoundingClientRect().height < 20).length - document.querySelectorAll('.histogram').length + 4"), "Two models have two histograms each, all of which are drawn.");
        string[] requests = [.. browser.Events.Where(found => found.Method == "Network.requestWillBeSent").Select(found => (string)found.Parameters["request"]!["url"]!).Where(address => !address.StartsWith("data:", StringComparison.Ordinal))];
        CollectionAssert.AreEqual(new[] { new Uri(page).AbsoluteUri }, requests);
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
        string page = ModelReport.Of([Quantized().With(Budget(Verdict.Failed), Budget(Verdict.Undecided), Budget(Verdict.NotMeasured), Budget(Verdict.Passed)), Failed()]).Write(place["report"]);

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
}
