using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Tests.Infra;
using static ModelBuildTasks.Worker.Tests.Infra.SampleResults;

namespace ModelBuildTasks.Worker.Tests.Commands;

[TestClass]
public sealed class ReportCommandTests : IDisposable
{
    private readonly Workplace place = new();

    public required TestContext TestContext { get; init; }

    public void Dispose() => place.Dispose();

    [TestMethod]
    public async Task Report_writes_every_form_and_says_where()
    {
        Quantized().With(Budget(Verdict.Failed)).Result.Write(place["digits.result.json"]);
        Failed().Result.Write(place["broken.result.json"]);

        ModelBuildProcess run = await Report(place["digits.result.json"], place["broken.result.json"]);

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        CollectionAssert.AreEquivalent(
            new[] { "models.html", "models.json", "models.junit.xml", "models.md", "models.sarif" },
            Directory.GetFiles(place["report"]).Select(Path.GetFileName).ToArray());
        StringAssert.Contains(run.Output, $"Written: {place["report/models.html"]}");
        StringAssert.Contains(run.Output, "1 failed");
    }

    [TestMethod]
    public async Task Report_refuses_a_file_that_is_no_result()
    {
        File.WriteAllText(place["other.json"], "{ }");

        (await Report(place["other.json"])).AssertFailsWith("MBT4010", place["other.json"]);
        Assert.IsFalse(Directory.Exists(place["report"]));
    }

    [TestMethod]
    public async Task Report_says_when_it_cannot_write()
    {
        Quantized().Result.Write(place["digits.result.json"]);
        File.WriteAllText(place["report"], "a file");

        (await Report(place["digits.result.json"])).AssertFailsWith("MBT3003", place["report"]);
    }

    private Task<ModelBuildProcess> Report(params string[] results) => ModelBuildProcess.Run(TestContext.CancellationToken, ["report", .. results, "--output", place["report"]]);
}
