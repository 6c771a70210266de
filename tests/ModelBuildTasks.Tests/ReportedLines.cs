using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Searching;
using ModelBuildTasks.Items;
using ModelBuildTasks.Tests.Infra;

namespace ModelBuildTasks.Tests;

/// <summary>What <c>-t:ReportModels</c> prints of a result.</summary>
[TestClass]
public sealed class ReportedLines : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly BuildEngine _engine = new();

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void The_plan_of_a_quantized_model_is_shown_by_inspect()
    {
        Assert.IsTrue(Printed(new OptimizationResult { Succeeded = true, Quantization = new QuantizationDecisions() }).Contains("modelbuild inspect"));
    }

    [TestMethod]
    public void So_is_the_plan_of_what_was_tried_and_given_up()
    {
        Assert.IsTrue(Printed(new OptimizationResult { Succeeded = true, TriedQuantization = new QuantizationDecisions() }).Contains("modelbuild inspect"));
    }

    [TestMethod]
    public void Of_an_artifact_in_ORT_format_which_inspect_cannot_read_nobody_is_sent_there()
    {
        Assert.IsFalse(Printed(new OptimizationResult { Succeeded = true, Quantization = new QuantizationDecisions(), RequiredOperators = ["ai.onnx;17;Conv"] }).Contains("modelbuild inspect"));
    }

    [TestMethod]
    public void A_search_is_a_line_with_what_it_tried_and_decided()
    {
        var search = new SearchAccount
        {
            Seconds = 41.4,
            Decision = "It is the fastest that keeps the accuracy.",
            Trials = [new SearchTrial { IsChosen = true }, new SearchTrial { Refusal = "it is slower" }, new SearchTrial()],
        };

        StringAssert.Contains(Printed(new OptimizationResult { Succeeded = true, Search = search }), "\n  search    3 forms tried in 41 s, 1 refused. It is the fastest that keeps the accuracy.");
    }

    [TestMethod]
    public void A_search_that_was_cut_short_says_so()
    {
        var search = new SearchAccount { Seconds = 300, IsCutShort = true, Trials = [new SearchTrial { IsChosen = true, Refusal = "it breaks MaxSize" }] };

        StringAssert.Contains(Printed(new OptimizationResult { Succeeded = true, Search = search }), "\n  search    1 form tried in 300 s, until the time was up.");
    }

    [TestMethod]
    public void Where_nothing_was_searched_for_nothing_is_said_of_it() => Assert.IsFalse(Printed(new OptimizationResult { Succeeded = true }).Contains("  search "));

    private string Printed(OptimizationResult result)
    {
        var variant = new ModelVariant(_folder.File("digits.onnx"), _folder.File("digits.onnx"), "digits", "cpu", _folder.Path, new Dictionary<string, string>(), "app.csproj", "digits.onnx");
        result.Write(variant.ResultPath);

        // Without a worker the page is not written, which is all that is missing.
        var task = new ReportModels { BuildEngine = _engine, Variants = [variant.ToTaskItem()], WorkerPath = _folder.File("modelbuild.dll"), ArgumentsFile = _folder.File("report.rsp"), ProjectFile = "app.csproj" };
        task.Execute();

        return string.Join('\n', _engine.Messages.Select(message => message.Message));
    }
}
