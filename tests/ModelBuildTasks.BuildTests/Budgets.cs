using ModelBuildTasks.BuildTests.Infra;

namespace ModelBuildTasks.BuildTests;

[TestClass]
public sealed class Budgets : IDisposable
{
    private readonly App _app = new();

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void A_broken_budget_fails_this_build_and_the_next_without_a_worker()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" MaxSize="10B" />""";

        var first = _app.Build().ShouldFailWith("MBT2004");
        _app.Build().ShouldFailWith("MBT2004");

        Assert.AreEqual(1, _app.WorkerRuns);
        Assert.AreEqual(_app.At("models/digits.onnx"), first.Errors.Single().File);
        Assert.IsFalse(File.Exists(_app.At("bin/Debug/net10.0/app.dll")));
    }

    [TestMethod]
    public void What_a_build_refused_is_not_published_without_one()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Embed="false" MaxSize="200B" />""";
        _app.Build("-c", "Release").ShouldSucceed();
        _app.Write("models/digits.onnx", App.OtherClassifier(new string('x', 200)));
        _app.Build("-c", "Release").ShouldFailWith("MBT2004");

        _app.Run("publish", "--no-build", "-o", _app.At("out")).ShouldFailWith("MBT2004");

        Assert.IsFalse(Directory.Exists(_app.At("out/models")));
    }

    [TestMethod]
    public void Their_severity_is_the_projects_choice_and_costs_no_worker()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" MaxSize="10B" />""";

        CollectionAssert.AreEqual(new[] { "MBT2004" }, _app.Build("-p:ModelBudgetSeverity=Warning").ShouldSucceed().WarningCodes);
        Assert.IsEmpty(_app.Build("-p:ModelBudgetSeverity=None").ShouldSucceed().WarningCodes);
        _app.Build().ShouldFailWith("MBT2004");

        Assert.AreEqual(1, _app.WorkerRuns);
    }

    [TestMethod]
    public void Warnings_come_back_with_every_build_and_obey_the_usual_properties()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Name="warned" />""";

        CollectionAssert.AreEqual(new[] { "MBT1001" }, _app.Build().ShouldSucceed().WarningCodes);
        CollectionAssert.AreEqual(new[] { "MBT1001" }, _app.Build().ShouldSucceed().WarningCodes);
        Assert.IsEmpty(_app.Build("-p:NoWarn=MBT1001").ShouldSucceed().WarningCodes);
        _app.Build("-p:WarningsAsErrors=MBT1001").ShouldFailWith("MBT1001");
        _app.Build("-p:TreatWarningsAsErrors=true").ShouldFailWith("MBT1001");
        CollectionAssert.AreEqual(new[] { "MBT1001" }, _app.Build("-p:TreatWarningsAsErrors=true", "-p:WarningsNotAsErrors=MBT1001").ShouldSucceed().WarningCodes);

        Assert.AreEqual(1, _app.WorkerRuns);
    }

    [TestMethod]
    public void A_report_prints_what_the_last_build_made_and_writes_it_where_the_project_says()
    {
        Assert.DoesNotContain("Written", _app.Build("-t:ReportModels").ShouldSucceed().Output, "Nothing is built, and nothing is started.");
        _app.Build().ShouldSucceed();

        var report = _app.Build("-t:ReportModels").ShouldSucceed();
        _app.Build("-t:ReportModels", "-p:ModelReportDirectory=a report/").ShouldSucceed();

        StringAssert.Contains(report.Output, $"Written: {_app.At("obj/Debug/net10.0/modelbuild/report/models.html")}");
        StringAssert.EndsWith(File.ReadAllLines(_app.At("a report/models.html")).Single(), "digits.result.json");
        StringAssert.Contains(report.Output, "digits (cpu)");
        StringAssert.Contains(report.Output, "+ Note: appended a note");
        Assert.AreEqual(1, _app.WorkerRuns);
    }
}
