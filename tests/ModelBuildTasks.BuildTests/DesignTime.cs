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

    [TestMethod]
    public void Right_after_a_clone_it_writes_the_accessor_and_nothing_else()
    {
        var outcome = _app.Build(s_build).ShouldSucceed();

        CollectionAssert.AreEqual(new[] { "digits.g.cs" }, Generated().Select(Path.GetFileName).ToArray());
        foreach (var costly in new[] { "WriteModelRequests", "OptimizeModels", "ValidateModelBudgets" })
        {
            Assert.AreEqual(0, outcome.TaskRuns(costly), costly);
        }
    }

    [TestMethod]
    public void A_missing_model_is_reported_and_the_rest_of_the_project_stays_alive()
    {
        File.Delete(_app.At("models/digits.onnx"));

        var outcome = _app.Build(s_build);

        CollectionAssert.AreEqual(new[] { "MBT0004" }, outcome.ErrorCodes);
        Assert.AreEqual(1, outcome.TaskRuns("Csc"));
    }

    [TestMethod]
    public void After_a_build_it_leaves_the_artifact_and_its_result_as_they_are()
    {
        _app.Build().ShouldSucceed();
        var before = Stamps();
        File.SetLastWriteTimeUtc(_app.At("models/digits.onnx"), DateTime.UtcNow.AddDays(1));

        _app.Build(s_build).ShouldSucceed();

        CollectionAssert.AreEqual(before, Stamps());

        string[] Stamps() => [.. Generated().Select(file => $"{file} {File.GetLastWriteTimeUtc(file):O}")];
    }

    // All but what the tasks remember of their own work.
    private string[] Generated() => [.. Directory.GetFiles(_app.At("obj/Debug/net10.0/modelbuild"), "*", SearchOption.AllDirectories)
        .Where(file => Path.GetExtension(file) != ".cache").Order(StringComparer.Ordinal)];
}
