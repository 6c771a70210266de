using System.Text.Json;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Reporting.Files;
using ModelBuildTasks.Worker.Tests.Infra;
using static ModelBuildTasks.Worker.Tests.Infra.SampleResults;

namespace ModelBuildTasks.Worker.Tests.Reporting;

[TestClass]
public sealed class ModelReportTests : IDisposable
{
    private readonly Workplace place = new();

    public void Dispose() => place.Dispose();

    [TestMethod]
    public void The_order_of_the_files_does_not_matter()
    {
        ReportedModel[] models = [Quantized("b"), Quantized("a", TargetNames.CpuX64), Quantized("a")];

        ModelReport report = ModelReport.Of(models);

        CollectionAssert.AreEqual(new[] { "a for cpu", "a for cpu-x64", "b for cpu" }, report.Models.Select(model => model.Title).ToArray());
        Assert.AreEqual(ReportJson.Write(report), ReportJson.Write(ModelReport.Of(models.Reverse())));
    }

    [TestMethod]
    public void Budgets_that_want_attention_come_first()
    {
        ModelReport report = ModelReport.Of([Quantized().With(Budget(Verdict.Passed), Budget(Verdict.NotMeasured), Budget(Verdict.Undecided), Budget(Verdict.Failed))]);

        CollectionAssert.AreEqual(new[] { Verdict.Failed, Verdict.Undecided, Verdict.NotMeasured, Verdict.Passed }, report.Budgets.Select(entry => entry.Budget.Verdict).ToArray());
        Assert.AreEqual("1 artifact; 4 budgets: 1 failed, 1 undecided, 1 not measured, 1 passed", report.Summary);
    }

    [TestMethod]
    [DataRow("digits.result.json", "digits")]
    [DataRow("digits.cpu.result.json", "digits")]
    [DataRow("digits.v2.result.json", "digits.v2")]
    [DataRow("other.json", "other")]
    [DataRow("cpu.result.json", "cpu")]
    public void A_model_is_named_after_its_result_file(string file, string name)
    {
        Quantized().Result.Write(place[file]);

        Assert.AreEqual(name, ReportedModel.Read(place[file]).Name);
    }

    [TestMethod]
    public void The_json_has_every_result_whole()
    {
        using JsonDocument json = JsonDocument.Parse(ReportJson.Write(ModelReport.Of([Quantized().With(Budget(Verdict.Failed)), Failed()])));

        JsonElement digits = json.RootElement.GetProperty("Models")[1];
        Assert.AreEqual("digits", digits.GetProperty("Name").GetString());
        Assert.AreEqual("Failed", digits.GetProperty("Result").GetProperty("Budgets")[0].GetProperty("Verdict").GetString());
        Assert.AreEqual("Infinity", digits.GetProperty("Result").GetProperty("Quantization").GetProperty("Layers")[0].GetProperty("SignalToNoise").GetString());
        Assert.AreEqual("MBT4001", json.RootElement.GetProperty("Models")[0].GetProperty("Result").GetProperty("Diagnostics")[0].GetProperty("Code").GetString());
    }

    [TestMethod]
    public void The_json_has_every_trial_of_a_search()
    {
        ReportedModel model = Searched(HostileName);
        model.Result.Search!.Trials[2].Drop = double.PositiveInfinity;

        using JsonDocument json = JsonDocument.Parse(ReportJson.Write(ModelReport.Of([model])));

        JsonElement search = json.RootElement.GetProperty("Models")[0].GetProperty("Result").GetProperty("Search");
        Assert.AreEqual("Latency", search.GetProperty("Objective").GetString());
        Assert.AreEqual("It is the fastest of the forms that keep the accuracy.", search.GetProperty("Decision").GetString());
        JsonElement trials = search.GetProperty("Trials");
        Assert.AreEqual(5, trials.GetArrayLength());
        Assert.AreEqual("Infinity", trials[2].GetProperty("Drop").GetString());
        Assert.AreEqual(0.5, trials[3].GetProperty("LatencyRatio").GetDouble());
        StringAssert.Contains(trials[4].GetProperty("Refusal").GetString()!, "<img src=x onerror=\"alert(1)\">&amp;|`");
    }

    [TestMethod]
    public void What_ships_is_the_compressed_artifact_where_there_is_one()
    {
        ReportedModel model = Quantized();
        Assert.AreEqual(0.3, model.SizeRatio);

        model.Result.IsCompressed = true;

        Assert.AreEqual(0.25, model.SizeRatio);
        Assert.IsNull(Failed().SizeRatio);
    }
}
