using System.Xml.Linq;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;
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

        (await Report(place["other.json"])).AssertFailsWith("MBT4016", place["other.json"]);
        Assert.IsFalse(Directory.Exists(place["report"]));
    }

    [TestMethod]
    public async Task Report_says_when_it_cannot_write()
    {
        Quantized().Result.Write(place["digits.result.json"]);
        File.WriteAllText(place["report"], "a file");

        (await Report(place["digits.result.json"])).AssertFailsWith("MBT3003", place["report"]);
    }

    [TestMethod]
    public async Task What_the_lock_file_has_against_a_result_is_told_in_every_form()
    {
        string results = Locked(bytes: 200);

        ModelBuildProcess run = await Report(results, "--lock", place["models.lock.json"], "--build-command", "dotnet build App.csproj");

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        StringAssert.Contains(run.Output, "the lock file: 1 failed");
        foreach (string name in (string[])["models.html", "models.json", "models.md", "models.sarif"])
        {
            StringAssert.Contains(File.ReadAllText(place[$"report/{name}"]), "MBT2006", name);
        }

        XElement failed = Case("Lock file").Element("failure")!;
        Assert.AreEqual("MBT2006", (string?)failed.Attribute("type"));
        StringAssert.Contains(failed.Value, "'dotnet build App.csproj -t:UpdateModelLock'");
        string page = File.ReadAllText(place["report/models.html"]);
        Assert.IsLessThan(page.IndexOf("<table", StringComparison.Ordinal), page.IndexOf("300 bytes ship, 200 are locked", StringComparison.Ordinal), "Verdicts come first.");
    }

    [TestMethod]
    public async Task A_lock_file_that_is_out_of_date_fails_where_the_build_is_locked()
    {
        string results = Locked(bytes: 300, source: "5001");

        await Report(results, "--lock", place["models.lock.json"]);
        Assert.IsFalse(Case("Lock file").HasElements);
        await Report(results, "--lock", place["models.lock.json"], "--locked");

        Assert.AreEqual("MBT2007", (string?)Case("Lock file").Element("failure")!.Attribute("type"));
    }

    [TestMethod]
    public async Task A_lock_file_that_is_not_there_fails_where_the_build_is_locked()
    {
        string results = Locked(bytes: 200);
        File.Delete(place["models.lock.json"]);

        await Report(results, "--lock", place["models.lock.json"]);
        Assert.DoesNotContain("MBT2007", File.ReadAllText(place["report/models.junit.xml"]));
        await Report(results, "--lock", place["models.lock.json"], "--locked");

        Assert.AreEqual("MBT2007", (string?)Case("Lock file").Element("failure")!.Attribute("type"));
        StringAssert.Contains((await Report(results, "--locked")).Errors, "--lock names it");
    }

    [TestMethod]
    public async Task A_lock_file_that_cannot_be_read_fails_in_the_report()
    {
        string results = Locked(bytes: 300);
        File.WriteAllText(place["models.lock.json"], "{");

        Assert.AreEqual(0, (await Report(results, "--lock", place["models.lock.json"])).AssertPlain().ExitCode);

        Assert.AreEqual("MBT0014", (string?)Case("Lock file").Element("failure")!.Attribute("type"));
    }

    [TestMethod]
    public async Task Without_a_request_beside_the_result_nothing_is_compared_with_the_lock_file()
    {
        string results = Locked(bytes: 200);
        File.Delete(place["digits.request.json"]);

        await Report(results, "--lock", place["models.lock.json"]);

        Assert.IsEmpty(XDocument.Load(place["report/models.junit.xml"]).Descendants("testcase"));
    }

    private XElement Case(string name) => XDocument.Load(place["report/models.junit.xml"]).Descendants("testcase").Single(element => (string?)element.Attribute("name") == name);

    /// <summary>A result of 300 bytes with its request, and a lock file in which the artifact has others.</summary>
    private string Locked(long bytes, string source = "5000")
    {
        OptimizationRequest Request(string sha256)
        {
            OptimizationRequest request = new() { ModelPath = place["digits.onnx"], Name = "digits", Target = TargetNames.Cpu };
            request.Inputs.Add(new InputDigest { Role = "model", Path = request.ModelPath, Sha256 = sha256 });
            return request;
        }

        OptimizationResult earlier = Quantized().Result;
        earlier.Optimized!.Bytes = bytes;
        ModelLock.Update(place["models.lock.json"], file => file.Set("digits", TargetNames.Cpu, LockEntry.Of(Request(source), earlier)), TestContext.CancellationToken);
        Request("5000").Write(place["digits.request.json"]);
        Quantized().Result.Write(place["digits.result.json"]);
        return place["digits.result.json"];
    }

    private Task<ModelBuildProcess> Report(params string[] results) => ModelBuildProcess.Run(TestContext.CancellationToken, ["report", .. results, "--output", place["report"]]);
}
