using ModelBuildTasks.BuildTests.Infra;

namespace ModelBuildTasks.BuildTests;

[TestClass]
public sealed class Locking : IDisposable
{
    private readonly App _app = new();

    private string LockFile => _app.At("models.lock.json");

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void What_an_update_wrote_passes_a_locked_build_that_starts_no_worker_and_writes_nothing()
    {
        _app.Build("-t:UpdateModelLock").ShouldSucceed();
        var written = File.ReadAllText(LockFile);

        Assert.AreEqual(1, _app.Build("-p:ContinuousIntegrationBuild=true").ShouldSucceed().TaskRuns("CompareModelLock"));
        _app.Build("-p:UpdateModelLock=true").ShouldSucceed();
        _app.Build("-t:Clean").ShouldSucceed();

        Assert.AreEqual(1, _app.WorkerRuns);
        Assert.AreEqual(written, File.ReadAllText(LockFile));
        Assert.DoesNotContain(_app.Folder, written);
    }

    [TestMethod]
    public void A_regression_fails_every_build_without_a_budget_and_locked_mode_says_what_is_out_of_date()
    {
        Assert.AreEqual(0, _app.Build().ShouldSucceed().TaskRuns("CompareModelLock"), "There is nothing to compare with.");
        _app.Build("-p:ModelLockedMode=true").ShouldFailWith("MBT2007");
        _app.Build("-p:UpdateModelLock=true").ShouldSucceed();
        _app.Write("models/digits.onnx", App.OtherClassifier(new string('x', 200)));

        _app.Build().ShouldFailWith("MBT2006");
        StringAssert.Contains(_app.Build("-t:ReportModels").ShouldSucceed().Output, "Error MBT2006: ");
        StringAssert.Contains(_app.Build("-t:ReportModels", "-p:ContinuousIntegrationBuild=true").ShouldSucceed().Output, "Error MBT2007: ");
        Assert.IsEmpty(_app.Build("-p:ModelBudgetSeverity=Warning", "-p:NoWarn=MBT2006").ShouldSucceed().WarningCodes);
        _app.Build("-p:ContinuousIntegrationBuild=true", "-p:ModelBudgetSeverity=None").ShouldFailWith("MBT2007");

        Assert.AreEqual(2, _app.WorkerRuns);
    }

    [TestMethod]
    public void A_report_of_a_locked_build_misses_the_file_in_the_log_and_on_the_page()
    {
        _app.Build().ShouldSucceed();

        var report = _app.Build("-t:ReportModels", "-p:ModelLockedMode=true").ShouldSucceed();

        StringAssert.Contains(report.Output, "Error MBT2007: ");
        var arguments = File.ReadAllLines(_app.At("obj/Debug/net10.0/modelbuild/report.rsp"));
        CollectionAssert.IsSubsetOf(new[] { "--lock", $"\"{LockFile}\"", "--locked" }, arguments);
    }

    [TestMethod]
    public void An_update_looks_anew_for_what_a_build_made_because_it_was_locked()
    {
        _app.Build("-t:UpdateModelLock").ShouldSucceed();
        Directory.Delete(_app.At("obj"), recursive: true);
        _app.Build().ShouldSucceed();
        Assert.AreEqual(2, _app.WorkerRuns);

        _app.Build("-t:UpdateModelLock").ShouldSucceed();

        Assert.AreEqual(3, _app.WorkerRuns);
    }

    [TestMethod]
    public void Target_frameworks_with_models_of_their_own_write_one_lock()
    {
        _app.TargetFramework = "";
        _app.Project = "<PropertyGroup><TargetFrameworks>net10.0;netstandard2.0</TargetFrameworks><OutputType>Library</OutputType><Nullable>disable</Nullable><ImplicitUsings>disable</ImplicitUsings></PropertyGroup>";
        _app.Write("Program.cs", "");
        _app.Items = """
            <OptimizedModel Include="models/digits.onnx" Name="modern" Condition="'$(TargetFramework)' == 'net10.0'" />
            <OptimizedModel Include="models/digits.onnx" Name="old" Condition="'$(TargetFramework)' == 'netstandard2.0'" />
            """;

        _app.Build("-t:UpdateModelLock").ShouldSucceed();

        StringAssert.Contains(File.ReadAllText(LockFile), "\"modern\": {");
        StringAssert.Contains(File.ReadAllText(LockFile), "\"old\": {");
        _app.Build("-p:ModelLockedMode=true").ShouldSucceed();
    }
}
