using ModelBuildTasks.BuildTests.Infra;

namespace ModelBuildTasks.BuildTests;

[TestClass]
public sealed class DesignTime : IDisposable
{
    // What Visual Studio asks for, in its own properties.
    private static readonly string[] s_build =
    [
        "-t:PrepareResourceNames;Compile", "-p:DesignTimeBuild=true", "-p:BuildingProject=false", "-p:SkipCompilerExecution=true", "-p:ProvideCommandLineArgs=true",
    ];

    private readonly App _app = new();

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void The_accessor_is_there_and_no_worker_was_started()
    {
        _app.ReferencesOnnxRuntime = true;

        _app.Build(s_build).ShouldSucceed();

        StringAssert.Contains(File.ReadAllText(_app.At("obj/Debug/net10.0/modelbuild/digits.g.cs")), "public Result Run(");
        Assert.AreEqual(0, _app.WorkerRuns);
    }

    [TestMethod]
    public void A_bad_model_is_reported_and_the_rest_of_the_project_stays_alive()
    {
        _app.Write("models/digits.onnx", "no model");

        var outcome = _app.Build(s_build);

        CollectionAssert.AreEqual(new[] { "MBT4001" }, outcome.ErrorCodes);
        Assert.AreEqual(1, outcome.TaskRuns("Csc"));
    }
}
