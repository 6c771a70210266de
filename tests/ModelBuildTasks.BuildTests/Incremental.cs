using ModelBuildTasks.BuildTests.Infra;

namespace ModelBuildTasks.BuildTests;

[TestClass]
public sealed class Incremental : IDisposable
{
    private readonly App _app = new() { Items = """<OptimizedModel Include="models/digits.onnx" CalibrationData="data" />""" };

    public Incremental() => _app.Write("data/a.bin", "samples");

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void The_second_build_starts_no_worker_and_the_third_neither()
    {
        _app.Build().ShouldSucceed();
        var second = _app.Build().ShouldSucceed();
        _app.Build().ShouldSucceed();

        Assert.AreEqual(1, _app.WorkerRuns);
        Assert.AreEqual(0, second.TaskRuns("OptimizeModels"));
        Assert.AreEqual(0, second.TaskRuns("Csc"));
    }

    [TestMethod]
    public void Whatever_the_artifact_depends_on_starts_the_worker()
    {
        _app.Build().ShouldSucceed();

        _app.Write("models/digits.onnx", App.OtherClassifier());
        _app.Build().ShouldSucceed();
        Assert.AreEqual(2, _app.WorkerRuns, "model");

        _app.Write("data/b.bin", "more samples");
        _app.Build().ShouldSucceed();
        Assert.AreEqual(3, _app.WorkerRuns, "data");

        _app.Items = _app.Items.Replace("/>", "Precision=\"Float32\" />", StringComparison.Ordinal);
        _app.Build().ShouldSucceed();
        Assert.AreEqual(4, _app.WorkerRuns, "metadata");

        _app.Write("worker/another.dll", "part of another version");
        _app.Build().ShouldSucceed();
        Assert.AreEqual(5, _app.WorkerRuns, "worker");

        File.Delete(_app.At("obj/Debug/net10.0/modelbuild/digits/cpu/digits.onnx"));
        _app.Build().ShouldSucceed();
        Assert.AreEqual(6, _app.WorkerRuns, "artifact");
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(-1000)]
    public void A_model_that_changed_is_made_again_though_its_time_is_the_same_or_older(int days)
    {
        var time = File.GetLastWriteTimeUtc(_app.At("models/digits.onnx"));
        _app.Write("models/digits.onnx", App.OtherClassifier("trained once "));
        File.SetLastWriteTimeUtc(_app.At("models/digits.onnx"), time);
        _app.Write("Program.cs", """Console.Write(new StreamReader(MyApp.Digits.OpenRead()).ReadToEnd().Contains("trained twice"));""");
        _app.Build().ShouldSucceed();
        _app.Write("models/digits.onnx", App.OtherClassifier("trained twice"));
        File.SetLastWriteTimeUtc(_app.At("models/digits.onnx"), time.AddDays(days));

        _app.Build().ShouldSucceed();

        Assert.AreEqual(2, _app.WorkerRuns);
        Assert.AreEqual("True", _app.Execute("bin/Debug/net10.0/app.dll"));
    }

    [TestMethod]
    public void What_is_only_touched_starts_no_worker()
    {
        _app.Build().ShouldSucceed();
        foreach (var file in new[] { "models/digits.onnx", "data/a.bin", "worker/FakeWorker.dll" })
        {
            File.SetLastWriteTimeUtc(_app.At(file), DateTime.UtcNow.AddDays(1));
        }

        _app.Build().ShouldSucceed();

        Assert.AreEqual(1, _app.WorkerRuns);
    }

    [TestMethod]
    public void An_edit_of_the_project_that_is_no_setting_starts_no_worker()
    {
        _app.Build().ShouldSucceed();
        _app.Project = "<PropertyGroup><DefineConstants>$(DefineConstants);OTHER</DefineConstants></PropertyGroup>";

        _app.Build().ShouldSucceed();

        Assert.AreEqual(1, _app.WorkerRuns);
    }

    [TestMethod]
    public void Only_the_models_that_changed_are_made_again_and_in_one_process()
    {
        _app.Write("models/a.onnx", App.Classifier());
        _app.Write("models/b.onnx", App.Classifier());
        _app.Items = """<OptimizedModel Include="models/*.onnx" Targets="cpu;cuda" />""";
        _app.Build().ShouldSucceed();

        _app.Write("models/b.onnx", App.OtherClassifier());
        _app.Build().ShouldSucceed();

        CollectionAssert.AreEqual(
            new[] { "a.request|a.request|b.request|b.request|digits.request|digits.request", "b.request|b.request" }, _app.Runs());
    }

    [TestMethod]
    public void An_artifact_with_an_old_time_is_embedded_all_the_same()
    {
        _app.Write("Program.cs", """Console.Write(new StreamReader(MyApp.Digits.OpenRead()).ReadToEnd().Contains("in Float16"));""");
        _app.Build().ShouldSucceed();
        _app.Items = _app.Items.Replace("/>", "Precision=\"Float16\" />", StringComparison.Ordinal);

        _app.Build().ShouldSucceed();

        Assert.AreEqual("True", _app.Execute("bin/Debug/net10.0/app.dll"));
    }

    [TestMethod]
    public void Clean_removes_everything_and_rebuild_runs_the_worker_once()
    {
        _app.Build().ShouldSucceed();
        _app.Run("clean").ShouldSucceed();
        Assert.IsEmpty(Directory.GetFiles(_app.At("obj/Debug/net10.0/modelbuild"), "*", SearchOption.AllDirectories));

        _app.Build("-t:Rebuild").ShouldSucceed();

        Assert.AreEqual(2, _app.WorkerRuns);
    }

    [TestMethod]
    public void Clean_leaves_the_lock_that_another_build_may_be_waiting_for()
    {
        _app.Build().ShouldSucceed();

        _app.Run("clean").ShouldSucceed();

        Assert.IsTrue(File.Exists(_app.At("obj/Debug/net10.0/modelbuild.lock")));
    }

    [TestMethod]
    public void A_removed_item_takes_its_artifact_along()
    {
        _app.Write("models/other.onnx", App.Classifier());
        _app.Items = """<OptimizedModel Include="models/*.onnx" />""";
        _app.Build().ShouldSucceed();
        File.Delete(_app.At("models/other.onnx"));

        _app.Build().ShouldSucceed();

        Assert.IsFalse(File.Exists(_app.At("obj/Debug/net10.0/modelbuild/other/cpu/other.onnx")));
        Assert.IsTrue(File.Exists(_app.At("obj/Debug/net10.0/modelbuild/digits/cpu/digits.onnx")));
    }
}
