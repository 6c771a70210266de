using ModelBuildTasks.BuildTests.Infra;

namespace ModelBuildTasks.BuildTests;

[TestClass]
public sealed class MultiTargeting : IDisposable
{
    private readonly App _app = new()
    {
        TargetFramework = "",
        Project = "<PropertyGroup><TargetFrameworks>net10.0;netstandard2.0</TargetFrameworks><OutputType>Library</OutputType><Nullable>disable</Nullable><ImplicitUsings>disable</ImplicitUsings></PropertyGroup>",
    };

    public MultiTargeting() => _app.Write("Program.cs", "");

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void The_outer_build_resolves_and_attaches_nothing_itself()
    {
        var outcome = _app.Build().ShouldSucceed();

        Assert.AreEqual(2, outcome.TaskRuns("ResolveOptimizedModels"));
    }

    [TestMethod]
    public void A_report_asked_of_the_project_comes_from_every_target_framework()
    {
        _app.Build().ShouldSucceed();

        var outcome = _app.Build("-t:ReportModels").ShouldSucceed();

        Assert.AreEqual(2, outcome.TaskRuns("ReportModels"));
        StringAssert.Contains(outcome.Output, "digits (cpu)");
    }

    [TestMethod]
    public void A_report_asked_together_with_a_build_comes_after_it()
    {
        var outcome = _app.Build("-t:Build;ReportModels").ShouldSucceed();

        Assert.AreEqual(2, outcome.TaskRuns("ReportModels"));
        Assert.DoesNotContain("not built yet", outcome.Output);
    }
}
