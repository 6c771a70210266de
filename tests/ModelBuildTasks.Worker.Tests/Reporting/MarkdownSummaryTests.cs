using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Reporting.Files;
using static ModelBuildTasks.Worker.Tests.Infra.SampleResults;

namespace ModelBuildTasks.Worker.Tests.Reporting;

[TestClass]
public sealed class MarkdownSummaryTests
{
    [TestMethod]
    public void A_budget_is_a_row_with_verdict_measurement_interval_and_limit()
    {
        string text = MarkdownSummary.Write(ModelReport.Of([Quantized().With(Budget(Verdict.Failed))]));

        StringAssert.Contains(text, "| ✗ failed | digits | cpu | MaxSizeRatio | × 0.310 | 0.290 to 0.330 | ≤ × 0.3 |\n");
        StringAssert.Contains(text, "| digits | cpu | 1000 B → 300 B (× 0.300) | 0.9900 → 0.9850 | × 0.500 |\n");
    }

    [TestMethod]
    public void A_search_is_a_row_with_what_was_kept_and_why()
    {
        string text = MarkdownSummary.Write(ModelReport.Of([Searched(), Quantized("other")]));

        StringAssert.EndsWith(text, "## Searches\n\n| Model | Target | Tried | Kept | Why |\n|---|---|---|---|---|\n"
            + "| digits | cpu | 5 forms in 41 s | structured pruning 25 % + static int8 | It is the fastest of the forms that keep the accuracy. |\n", "Only what was searched for has one.");
    }

    [TestMethod]
    public void A_search_that_kept_nothing_or_was_cut_short_says_so()
    {
        ReportedModel model = Searched();
        model.Result.Search!.Trials[3].IsChosen = false;
        (model.Result.Search.IsCutShort, model.Result.Search.Decision) = (true, "Nothing `fits`.");

        StringAssert.Contains(MarkdownSummary.Write(ModelReport.Of([model])), @"| none of these | Nothing \`fits\`. The time was up before all was tried: a longer ModelOptimizationTimeout may find better. |");
    }

    [TestMethod]
    public void A_diagnostic_is_a_line_with_its_link()
    {
        string text = MarkdownSummary.Write(ModelReport.Of([Failed()]));

        StringAssert.Contains(text, "- error [MBT4001](https://github.com/modelbuildtasks/modelbuildtasks/blob/main/docs/DIAGNOSTICS.md#mbt4001), broken for cpu: ");
    }

    [TestMethod]
    public void Text_from_files_stands_for_itself_on_one_line()
    {
        Assert.AreEqual(@"\<b\> \| \`x\` \*y\* \[z\](u) \\ \& next", MarkdownSummary.Escape("<b> | `x` *y* [z](u) \\ &\nnext"));
        Assert.AreEqual(
            MarkdownSummary.Write(ModelReport.Of([Quantized().With(Budget(Verdict.Passed))])).Count(character => character == '\n'),
            MarkdownSummary.Write(ModelReport.Of([Quantized("a\r\nb").With(Budget(Verdict.Passed))])).Count(character => character == '\n'));
    }
}
