using ModelBuildTasks.BuildTests.Infra;

namespace ModelBuildTasks.BuildTests;

[TestClass]
public sealed class BadInput : IDisposable
{
    private readonly App _app = new();

    public void Dispose() => _app.Dispose();

    [TestMethod]
    [DataRow("Precision=\"Int9\"", "MBT0001")]
    [DataRow("MaxSize=\"small\"", "MBT0002")]
    [DataRow("MaxAccuracyDrop=\"0.01\"", "MBT0003")]
    [DataRow("CalibrationData=\"nowhere\"", "MBT0005")]
    [DataRow("Quantization=\"Static\"", "MBT0006")]
    [DataRow("Pruning=\"Auto\" CalibrationData=\"models\"", "MBT0003")]
    [DataRow("FineTune=\"Auto\"", "MBT0018")]
    [DataRow("FineTune=\"Distill\" TrainingData=\"models\" Teacher=\"nowhere.onnx\"", "MBT0005")]
    [DataRow("Targets=\"tpu\"", "MBT0001")]
    public void Metadata_that_can_not_be_obeyed_fail_before_any_worker(string metadata, string code)
    {
        _app.Items = $"""<OptimizedModel Include="models/digits.onnx" {metadata} />""";

        _app.Build().ShouldFailWith(code);

        Assert.AreEqual(0, _app.WorkerRuns);
    }

    [TestMethod]
    public void An_error_that_is_taken_back_leaves_nothing_behind()
    {
        _app.Write("models/other.onnx", App.Classifier());
        const string good = """<OptimizedModel Include="models/*.onnx" MaxSize="10KB" />""";
        _app.Items = good;
        _app.Build().ShouldSucceed();
        _app.Items = """<OptimizedModel Include="models/*.onnx" MaxSize="10B" AccessorClass="Same" /><OptimizedModel Include="models/none.onnx" />""";
        Assert.AreNotEqual(0, _app.Build().ExitCode);
        _app.Items = good;

        _app.Build().ShouldSucceed();
    }

    [TestMethod]
    public void A_missing_model_is_named()
    {
        _app.Items = """<OptimizedModel Include="models/digit.onnx" />""";

        StringAssert.Contains(_app.Build().ShouldFailWith("MBT0004").Output, _app.At("models/digit.onnx"));
    }

    [TestMethod]
    [DataRow("Include=\"models/digits.onnx\" Precision=\"Int9\"", "MBT0001")]
    [DataRow("Include=\"models\\*.onnx\" MaxSize=\"small\"", "MBT0002")]
    [DataRow("Include=\"models/digit.onnx\"", "MBT0004")]
    public void An_error_of_the_project_names_its_line(string item, string code)
    {
        _app.Items = $"<OptimizedModel {item} />";

        var error = _app.Build().ShouldFailWith(code).Errors.First(error => error.Code == code);

        Assert.AreEqual(_app.At("app.csproj"), error.File);
        StringAssert.StartsWith(File.ReadAllLines(_app.At("app.csproj"))[error.LineNumber - 1].Trim(), "<OptimizedModel ");
        Assert.AreNotEqual(0, error.ColumnNumber);
    }

    [TestMethod]
    public void A_model_that_went_bad_leaves_the_previous_output_alone()
    {
        _app.Build().ShouldSucceed();
        var artifact = File.ReadAllBytes(_app.At("obj/Debug/net10.0/modelbuild/digits/cpu/digits.onnx"));
        var assembly = File.ReadAllBytes(_app.At("bin/Debug/net10.0/app.dll"));
        _app.Write("models/digits.onnx", "version https://git-lfs.github.com/spec/v1");

        var outcome = _app.Build().ShouldFailWith("MBT4001");

        Assert.AreEqual(_app.At("models/digits.onnx"), outcome.Errors.Single().File);
        CollectionAssert.AreEqual(artifact, File.ReadAllBytes(_app.At("obj/Debug/net10.0/modelbuild/digits/cpu/digits.onnx")));
        CollectionAssert.AreEqual(assembly, File.ReadAllBytes(_app.At("bin/Debug/net10.0/app.dll")));
        _app.Write("models/digits.onnx", App.Classifier());
        _app.Build().ShouldSucceed();
    }

    [TestMethod]
    public void A_crash_is_told_with_the_workers_last_words_and_tried_again()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Name="crash" />""";

        StringAssert.Contains(_app.Build().ShouldFailWith("MBT3001").Output, "the floor gave way");
        _app.Build().ShouldFailWith("MBT3001");

        Assert.AreEqual(2, _app.WorkerRuns);
    }

    [TestMethod]
    public void A_worker_that_takes_too_long_is_ended()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Name="hang" />""";

        _app.Build("-p:ModelOptimizationTimeout=1s").ShouldFailWith("MBT3004");
    }

    [TestMethod]
    public void A_worker_that_still_writes_what_it_found_in_time_is_let()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Name="slow" />""";

        _app.Build("-p:ModelOptimizationTimeout=1s").ShouldSucceed();
    }

    [TestMethod]
    public void A_missing_worker_is_told() =>
        _app.Build("-p:ModelBuildWorkerPath=/nowhere/modelbuild.dll").ShouldFailWith("MBT3002");

    [TestMethod]
    public void A_misspelt_metadata_is_a_warning()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" MaxSzie="1MB" Link="x" />""";

        var outcome = _app.Build().ShouldSucceed();

        CollectionAssert.AreEqual(new[] { "MBT0012" }, outcome.WarningCodes);
        StringAssert.Contains(outcome.Warnings[0].Text, "'MaxSize'");
    }
}
