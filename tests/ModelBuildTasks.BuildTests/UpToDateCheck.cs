using ModelBuildTasks.BuildTests.Infra;

namespace ModelBuildTasks.BuildTests;

/// <summary>
/// Visual Studio's fast check, asked as Visual Studio asks: its targets are not part of the SDK, so a stand-in declares them as
/// Microsoft.Managed.DesignTime.targets does, after the targets of packages.
/// </summary>
[TestClass]
public sealed class UpToDateCheck : IDisposable
{
    private const string Cpu = "models/digits.cpu.onnx";

    private static readonly DateTime s_longAgo = new(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    private readonly App _app = new();

    public UpToDateCheck() => _app.Write("Directory.Build.targets", string.Concat(new[] { "Input", "Output", "Built" }.Select(kind => $"""
        <PropertyGroup Condition="'$(CollectUpToDateCheck{kind}DesignTimeDependsOn)' == ''">
          <CollectUpToDateCheck{kind}DesignTimeDependsOn>CompileDesignTime</CollectUpToDateCheck{kind}DesignTimeDependsOn>
        </PropertyGroup>
        <Target Name="CollectUpToDateCheck{kind}DesignTime" DependsOnTargets="$(CollectUpToDateCheck{kind}DesignTimeDependsOn)" Returns="@(UpToDateCheck{kind})" />
        """).Prepend("<Project><Target Name=\"CompileDesignTime\" DependsOnTargets=\"Compile\"><WriteLinesToFile File=\"compiled.txt\" /></Target>").Append("</Project>")));

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void A_model_its_external_data_and_its_data_sets_are_inputs()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" CalibrationData="data" EvaluationData="test/images.csv" />""";
        foreach (var file in new[] { "models/digits.onnx.data", "models/digits.onnx_data_1", "data/0/a.png", "data/1/b.png", "test/images.csv", "test/labels.csv", "test/dataset.json", "test/notes.txt" })
        {
            _app.Write(file, "x");
        }

        var inputs = Inputs();

        CollectionAssert.AreEquivalent(
            new[] { "models/digits.onnx", "models/digits.onnx.data", "models/digits.onnx_data_1", "data/0/a.png", "data/1/b.png", "test/images.csv", "test/labels.csv", "test/dataset.json" },
            inputs.Keys.ToArray());
        Assert.IsTrue(inputs.Values.All(set => set == Cpu), string.Join(", ", inputs.Values));
    }

    [TestMethod]
    public void A_teacher_a_student_and_the_training_data_are_inputs()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" FineTune="Distill" Teacher="large/teacher.onnx" Student="small.onnx" TrainingData="training" />""";
        foreach (var file in new[] { "large/teacher.onnx", "large/teacher.onnx.data", "small.onnx", "small.onnx_data", "training/0/a.png" })
        {
            _app.Write(file, "x");
        }

        var inputs = Inputs();

        CollectionAssert.AreEquivalent(new[] { "models/digits.onnx", "large/teacher.onnx", "large/teacher.onnx.data", "small.onnx", "small.onnx_data", "training/0/a.png" }, inputs.Keys.ToArray());
        Assert.IsTrue(inputs.Values.All(set => set == Cpu), string.Join(", ", inputs.Values));
    }

    [TestMethod]
    public void A_measurement_is_an_input_of_each_model()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Targets="cpu;cuda" /><ModelMeasurement Include="measurements/*.json" />""";
        _app.Write("measurements/phone.json", "{}");

        CollectionAssert.AreEquivalent(new[] { Cpu, "models/digits.cuda.onnx" }, Inputs()["measurements/phone.json"].Split(';'));
    }

    [TestMethod]
    public void The_lock_file_is_an_input_of_each_model()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Targets="cpu;cuda" />""";
        _app.Write("models.lock.json", "{}");

        CollectionAssert.AreEquivalent(new[] { Cpu, "models/digits.cuda.onnx" }, Inputs()["models.lock.json"].Split(';'));
    }

    [TestMethod]
    public void A_build_after_an_update_of_the_lock_file_ends_the_asking()
    {
        _app.Build("-t:UpdateModelLock").ShouldSucceed();
        CollectionAssert.AreEqual(new[] { Cpu }, OutOfDate());

        _app.Build().ShouldSucceed();

        Assert.IsEmpty(OutOfDate());
        Assert.AreEqual(1, _app.WorkerRuns);
    }

    [TestMethod]
    public void Data_without_an_extension_brings_its_like_and_data_that_is_missing_brings_nothing()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" CalibrationData="data/train-images-idx3-ubyte" EvaluationData="missing" />""";
        foreach (var file in new[] { "data/train-images-idx3-ubyte", "data/train-labels-idx1-ubyte", "data/notes.txt" })
        {
            _app.Write(file, "x");
        }

        CollectionAssert.AreEquivalent(new[] { "models/digits.onnx", "data/train-images-idx3-ubyte", "data/train-labels-idx1-ubyte" }, Inputs().Keys.ToArray());
    }

    [TestMethod]
    public void What_several_artifacts_are_made_from_is_one_input_of_several_sets()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Targets="cpu;cuda" CalibrationData="data" /><OptimizedModel Include="models/letters.onnx" CalibrationData="data" />""";
        _app.Write("models/letters.onnx", App.Classifier());
        _app.Write("data/a.png", "x");

        var inputs = Inputs();

        CollectionAssert.AreEquivalent(new[] { Cpu, "models/digits.cuda.onnx", "models/letters.cpu.onnx" }, inputs["data/a.png"].Split(';'));
        CollectionAssert.AreEquivalent(new[] { Cpu, "models/digits.cuda.onnx" }, inputs["models/digits.onnx"].Split(';'));
        Assert.AreEqual("models/letters.cpu.onnx", inputs["models/letters.onnx"]);
    }

    [TestMethod]
    public void The_artifact_and_its_result_are_outputs()
    {
        _app.Run("restore").ShouldSucceed();

        var outputs = _app.ResultOf("CollectUpToDateCheckOutputDesignTime");

        CollectionAssert.AreEquivalent(new[] { "digits.onnx", "digits.result.json" }, outputs.Select(output => Path.GetFileName(output.FullPath)).ToArray());
        Assert.IsTrue(outputs.All(output => output["Set"] == Cpu));
    }

    [TestMethod]
    public void A_model_beside_the_app_is_a_copy_of_its_artifact()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Embed="false" />""";
        _app.Build().ShouldSucceed();

        var copy = _app.ResultOf("CollectUpToDateCheckBuiltDesignTime").Single(item => item["Original"].Length > 0);

        Assert.AreEqual(_app.At("bin/Debug/net10.0/models/digits.cpu.onnx"), copy.FullPath);
        Assert.IsTrue(File.Exists(copy.FullPath));
        Assert.IsTrue(File.GetLastWriteTimeUtc(copy["Original"]) <= File.GetLastWriteTimeUtc(copy.FullPath));
    }

    [TestMethod]
    public void Switched_off_the_model_itself_is_compared_with_the_assembly()
    {
        _app.Project = "<PropertyGroup><ModelBuildEnabled>false</ModelBuildEnabled></PropertyGroup>";

        Assert.AreEqual("", Inputs()["models/digits.onnx"]);
        Assert.IsEmpty(_app.ResultOf("CollectUpToDateCheckOutputDesignTime"));
    }

    [TestMethod]
    public void Switched_off_what_a_model_is_exported_from_is_still_an_input_and_a_build_after_a_mere_touch_ends_the_asking()
    {
        _app.Project = "<PropertyGroup><ModelBuildEnabled>false</ModelBuildEnabled></PropertyGroup>";
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Targets="cpu;cuda" Embed="false" ExportCommand="cp models/source.onnx models/digits.onnx" ExportInputs="models/source.onnx;scripts" /><OptimizedModel Include="models/letters.onnx" />""";
        foreach (var file in new[] { "models/source.onnx", "models/letters.onnx", "scripts/export.py" })
        {
            _app.Write(file, App.Classifier());
            File.SetLastWriteTimeUtc(_app.At(file), s_longAgo);
        }

        _app.Build().ShouldSucceed();
        CollectionAssert.AreEquivalent(new[] { "models/source.onnx", "models/letters.onnx", "scripts/export.py" }, Inputs().Keys.ToArray());
        Assert.IsEmpty(OutOfDate());

        _app.Write("scripts/export.py", App.Classifier());
        CollectionAssert.AreEquivalent(new[] { Cpu, "models/digits.cuda.onnx" }, OutOfDate());

        _app.Build().ShouldSucceed();
        Assert.IsEmpty(OutOfDate());
    }

    [TestMethod]
    public void What_Visual_Studio_itself_runs_before_the_check_still_runs()
    {
        _app.Run("restore").ShouldSucceed();

        _app.ResultOf("CollectUpToDateCheckInputDesignTime");

        Assert.IsTrue(File.Exists(_app.At("compiled.txt")));
        Assert.AreEqual(0, _app.WorkerRuns);
    }

    [TestMethod]
    public void After_a_build_every_set_is_up_to_date_and_a_changed_model_makes_its_own_out_of_date_until_the_next()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" /><OptimizedModel Include="models/letters.onnx" />""";
        _app.Write("models/letters.onnx", App.Classifier());
        foreach (var model in new[] { "models/digits.onnx", "models/letters.onnx" })
        {
            File.SetLastWriteTimeUtc(_app.At(model), s_longAgo);
        }

        _app.Build().ShouldSucceed();
        Assert.IsEmpty(OutOfDate());

        _app.Write("models/letters.onnx", App.Classifier());
        CollectionAssert.AreEqual(new[] { "models/letters.cpu.onnx" }, OutOfDate());

        _app.Build().ShouldSucceed();
        Assert.IsEmpty(OutOfDate());
    }

    [TestMethod]
    public void What_a_model_is_exported_from_is_an_input_and_a_build_after_a_mere_touch_ends_the_asking()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" ExportCommand="cp models/source.onnx models/digits.onnx" ExportInputs="models/source.onnx;weights/**;scripts" /><OptimizedModel Include="models/letters.onnx" />""";
        foreach (var file in new[] { "models/source.onnx", "models/letters.onnx", "weights/deep/a.bin", "scripts/export.py" })
        {
            _app.Write(file, App.Classifier());
            File.SetLastWriteTimeUtc(_app.At(file), s_longAgo);
        }

        _app.Build().ShouldSucceed();
        var inputs = Inputs();
        CollectionAssert.AreEquivalent(
            new[] { "models/digits.onnx", "models/source.onnx", "models/letters.onnx", "weights/deep/a.bin", "scripts/export.py" }, inputs.Keys.ToArray());
        Assert.AreEqual(Cpu, inputs["scripts/export.py"]);
        Assert.IsEmpty(OutOfDate());

        _app.Write("weights/deep/a.bin", App.Classifier());
        CollectionAssert.AreEqual(new[] { Cpu }, OutOfDate());

        _app.Build().ShouldSucceed();
        Assert.IsEmpty(OutOfDate());
    }

    /// <summary>The sets with an input that is newer than an output: the rule of the check.</summary>
    private string[] OutOfDate()
    {
        var (outputs, inputs) = (TimesBySet("CollectUpToDateCheckOutputDesignTime"), TimesBySet("CollectUpToDateCheckInputDesignTime"));
        return [.. outputs.Where(set => inputs[set.Key].Max() > set.Min()).Select(set => set.Key)];
    }

    private ILookup<string, DateTime> TimesBySet(string target) => _app.ResultOf(target)
        .SelectMany(item => item["Set"].Split(';').Select(set => (Set: set, Time: File.GetLastWriteTimeUtc(item.FullPath)))).ToLookup(item => item.Set, item => item.Time);

    private Dictionary<string, string> Inputs()
    {
        _app.Run("restore").ShouldSucceed();
        return _app.ResultOf("CollectUpToDateCheckInputDesignTime").ToDictionary(input => Path.GetRelativePath(_app.Folder, input.FullPath).Replace('\\', '/'), input => input["Set"]);
    }
}
