using System.Text.Json;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Reporting.Files;
using ModelBuildTasks.Worker.Tests.Infra;
using static ModelBuildTasks.Worker.Tests.Infra.SampleResults;

namespace ModelBuildTasks.Worker.Tests.Reporting;

[TestClass]
public sealed class SarifLogTests : IDisposable
{
    private readonly Workplace place = new();

    public void Dispose() => place.Dispose();

    [TestMethod]
    public void Every_diagnostic_is_a_result_of_a_rule_with_a_link()
    {
        JsonElement run = Run(Failed(), Quantized().With(Found(DiagnosticCatalogue.SizeBudget, "/models/digits.onnx")));

        JsonElement[] rules = [.. run.GetProperty("tool").GetProperty("driver").GetProperty("rules").EnumerateArray()];
        CollectionAssert.AreEqual(new[] { "MBT2004", "MBT4001" }, rules.Select(rule => rule.GetProperty("id").GetString()).ToArray());
        StringAssert.EndsWith(rules[0].GetProperty("helpUri").GetString(), "docs/DIAGNOSTICS.md#mbt2004");
        JsonElement[] results = [.. run.GetProperty("results").EnumerateArray()];
        CollectionAssert.AreEqual(new[] { "MBT4001", "MBT2004" }, results.Select(result => result.GetProperty("ruleId").GetString()).ToArray());
        CollectionAssert.AreEqual(new[] { 1, 0 }, results.Select(result => result.GetProperty("ruleIndex").GetInt32()).ToArray());
    }

    [TestMethod]
    public void Findings_of_one_code_have_fingerprints_of_their_own()
    {
        ReportedModel model = Quantized().With(Budget(Verdict.Failed, "MaxLatency"), Budget(Verdict.Failed, "MaxLatencyRatio"));
        foreach (string what in (string[])["MaxLatency is Failed", "MaxLatencyRatio is Failed", "something else", "something more"])
        {
            model.With(Diagnostic.Create(DiagnosticCatalogue.LatencyBudget, null, "digits", "cpu", what));
        }

        CollectionAssert.AreEqual(new[] { "digits/cpu/MBT2003/MaxLatency", "digits/cpu/MBT2003/MaxLatencyRatio", "digits/cpu/MBT2003", "digits/cpu/MBT2003/2" }, Fingerprints(model));
    }

    [TestMethod]
    public void Budgets_that_were_not_measured_have_fingerprints_of_their_own()
    {
        ReportedModel model = Quantized().With(Budget(Verdict.NotMeasured, "MaxMemory"), Budget(Verdict.NotMeasured, "MaxLatency"), Budget(Verdict.NotMeasured, "MaxLatencyRatio"))
            .With(Diagnostic.Create(DiagnosticCatalogue.BudgetUndecided, null, "MaxMemory", "64MB", "ModelMeasurement is Skip"))
            .With(Diagnostic.Create(DiagnosticCatalogue.BudgetNotMeasured, null, "digits", "cpu", "MaxLatencyRatio", "another build kept measuring on this machine"));

        CollectionAssert.AreEqual(new[] { "digits/cpu/MBT1002/MaxMemory", "digits/cpu/MBT2008/MaxLatencyRatio" }, Fingerprints(model));
    }

    [TestMethod]
    public void Severities_are_levels()
    {
        JsonElement run = Run(Quantized().With(Found(DiagnosticCatalogue.SizeBudget, null)).With(Found(DiagnosticCatalogue.BudgetUndecided, null)));

        CollectionAssert.AreEqual(new[] { "error", "warning" }, run.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("level").GetString()).ToArray());
    }

    [TestMethod]
    public void A_file_in_a_working_tree_is_named_relative_to_it()
    {
        Directory.CreateDirectory(place[".git"]);

        JsonElement run = Run(Quantized().With(Found(DiagnosticCatalogue.SizeBudget, place["models/a b#1.onnx"]).At(place["models/a b#1.onnx"], 3, 7)));

        JsonElement location = run.GetProperty("results")[0].GetProperty("locations")[0].GetProperty("physicalLocation");
        Assert.AreEqual("models/a%20b%231.onnx", location.GetProperty("artifactLocation").GetProperty("uri").GetString());
        Assert.AreEqual("SRCROOT", location.GetProperty("artifactLocation").GetProperty("uriBaseId").GetString());
        Assert.AreEqual((3, 7), (location.GetProperty("region").GetProperty("startLine").GetInt32(), location.GetProperty("region").GetProperty("startColumn").GetInt32()));
        Assert.AreEqual(place.Folder, new Uri(run.GetProperty("originalUriBaseIds").GetProperty("SRCROOT").GetProperty("uri").GetString()!).LocalPath.TrimEnd('/', '\\'));
    }

    [TestMethod]
    public void A_file_elsewhere_is_named_by_its_address()
    {
        string path = place["digits.onnx"];

        JsonElement location = Run(Quantized().With(Found(DiagnosticCatalogue.SizeBudget, path))).GetProperty("results")[0].GetProperty("locations")[0].GetProperty("physicalLocation").GetProperty("artifactLocation");

        Assert.AreEqual(path, new Uri(location.GetProperty("uri").GetString()!).LocalPath);
        Assert.IsFalse(location.TryGetProperty("uriBaseId", out _));
    }

    private static Diagnostic Found(DiagnosticDescriptor descriptor, string? file) => Diagnostic.Create(descriptor, file, "a", "b", "c", "d");

    private static string?[] Fingerprints(ReportedModel model) =>
        [.. Run(model).GetProperty("results").EnumerateArray().Select(result => result.GetProperty("partialFingerprints").GetProperty("modelAndTarget/v1").GetString())];

    private static JsonElement Run(params ReportedModel[] models)
    {
        JsonElement log = JsonDocument.Parse(SarifLog.Write(ModelReport.Of(models))).RootElement;
        Assert.AreEqual("2.1.0", log.GetProperty("version").GetString());
        return log.GetProperty("runs")[0];
    }
}
