using Microsoft.Build.Utilities;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Tests.Infra;
using static ModelBuildTasks.Tests.Infra.OnnxBytes;

namespace ModelBuildTasks.Tests;

[TestClass]
public sealed class Requests : IDisposable
{
    private static readonly DateTime s_longAgo = new(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc);
    private readonly TemporaryFolder _folder = new();
    private readonly BuildEngine _engine = new();
    private bool _isUpdatingLock;
    private readonly List<string> _measurements = [];

    public Requests()
    {
        _folder.Write("digits.onnx", OnnxBytes.Model([Tensor("image", Float, 1)], [Tensor("scores", Float, 1)], ExternalInitializer("w", "digits.bin")));
        _folder.Write("digits.bin", [1, 2, 3]);
        _folder.Write("data/class/a.png", [1]);
        _folder.Write("worker/modelbuild.dll", [1]);
    }

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void Carries_settings_budgets_and_full_paths()
    {
        Write(("Precision", "int8"), ("MaxSize", "1KB"), ("CalibrationData", _folder.File("data")));

        var request = OptimizationRequest.Read(RequestPath);
        Assert.AreEqual(Precision.Int8, request.Settings.Precision);
        Assert.AreEqual(1024, request.Budgets.MaxSizeBytes);
        Assert.AreEqual(_folder.File("data"), request.CalibrationData);
        Assert.IsNull(request.EvaluationData);
        Assert.AreEqual(90, request.TimeoutSeconds);
        Assert.AreEqual(_folder.File("cache"), request.CacheDirectory);
        CollectionAssert.AreEqual(new[] { _folder.File("digits.onnx"), _folder.File("digits.bin"), _folder.File("data") }, request.Inputs.Select(input => input.Path).ToArray());
    }

    [TestMethod]
    [DataRow("digits.onnx")]
    [DataRow("digits.bin")]
    [DataRow("data/class/a.png")]
    [DataRow("worker/modelbuild.dll")]
    public void Is_written_anew_when_an_input_changes(string input)
    {
        Write(("CalibrationData", _folder.File("data")));
        File.SetLastWriteTimeUtc(RequestPath, s_longAgo);
        Change(input);

        Write(("CalibrationData", _folder.File("data")));

        Assert.AreNotEqual(s_longAgo, File.GetLastWriteTimeUtc(RequestPath));
    }

    [TestMethod]
    [DataRow("digits.onnx")]
    [DataRow("digits.bin")]
    [DataRow("data/class/a.png")]
    [DataRow("worker/modelbuild.dll")]
    public void Is_left_alone_when_an_input_is_only_touched(string input)
    {
        Write(("CalibrationData", _folder.File("data")));
        File.SetLastWriteTimeUtc(RequestPath, s_longAgo);
        File.SetLastWriteTimeUtc(_folder.File(input), s_longAgo);

        Write(("CalibrationData", _folder.File("data")));

        Assert.AreEqual(s_longAgo, File.GetLastWriteTimeUtc(RequestPath));
    }

    [TestMethod]
    [DataRow("digits.onnx")]
    [DataRow("data/class/a.png")]
    public void Outputs_are_renewed_when_an_input_is_newer_and_says_the_same(string input)
    {
        Write(("CalibrationData", _folder.File("data")));
        var outputs = new[] { _folder.Write("obj/digits/cpu/digits.onnx", [1]), _folder.Write("obj/digits/cpu/digits.result.json", [1]) };
        var touched = DateTime.UtcNow.AddSeconds(-1);
        Array.ForEach(outputs, output => File.SetLastWriteTimeUtc(output, touched.AddSeconds(-1)));
        File.SetLastWriteTimeUtc(_folder.File(input), touched);

        Write(("CalibrationData", _folder.File("data")));

        Assert.IsTrue(Array.TrueForAll(outputs, output => File.GetLastWriteTimeUtc(output) > touched));
    }

    [TestMethod]
    [DataRow("digits.onnx")]
    [DataRow("digits.bin")]
    public void Is_written_anew_when_weights_change_and_neither_length_nor_time_does(string input)
    {
        var time = File.GetLastWriteTimeUtc(_folder.File(input));
        Write();
        File.SetLastWriteTimeUtc(RequestPath, s_longAgo);
        Change(input);
        File.SetLastWriteTimeUtc(_folder.File(input), time);

        Write();

        Assert.AreNotEqual(s_longAgo, File.GetLastWriteTimeUtc(RequestPath));
    }

    [TestMethod]
    [DataRow("t10k-labels-idx1-ubyte.gz")]
    [DataRow("dataset.json")]
    [DataRow("elsewhere/labels.csv")]
    public void Is_written_anew_when_what_belongs_to_a_data_file_changes(string file)
    {
        _folder.Write("idx/t10k-images-idx3-ubyte.gz", [1]);
        _folder.Write("idx/t10k-labels-idx1-ubyte.gz", [1]);
        _folder.Write("idx/elsewhere/labels.csv", [1]);
        _folder.Write("idx/dataset.json", "{ \"labels\": \"elsewhere/labels.csv\" } "u8.ToArray());
        var data = ("EvaluationData", _folder.File("idx/t10k-images-idx3-ubyte.gz"));
        Write(data);
        File.SetLastWriteTimeUtc(RequestPath, s_longAgo);
        Change("idx/" + file);

        Write(data);

        Assert.AreNotEqual(s_longAgo, File.GetLastWriteTimeUtc(RequestPath));
    }

    [TestMethod]
    [DataRow("new", "data/class/b.png")]
    [DataRow("renamed", "data/class/a2.png")]
    public void Is_written_anew_when_a_file_comes_or_is_renamed(string how, string file)
    {
        Write(("CalibrationData", _folder.File("data")));
        File.SetLastWriteTimeUtc(RequestPath, s_longAgo);
        if (how == "new")
        {
            _folder.Write(file, [1]);
        }
        else
        {
            File.Move(_folder.File("data/class/a.png"), _folder.File(file));
        }

        Write(("CalibrationData", _folder.File("data")));

        Assert.AreNotEqual(s_longAgo, File.GetLastWriteTimeUtc(RequestPath));
    }

    [TestMethod]
    public void Is_written_anew_when_external_data_arrives()
    {
        File.Delete(_folder.File("digits.bin"));
        Write();
        File.SetLastWriteTimeUtc(RequestPath, s_longAgo);
        _folder.Write("digits.bin", [1, 2, 3]);

        Write();

        Assert.AreEqual("external/digits.bin", OptimizationRequest.Read(RequestPath).Inputs[1].Role);
    }

    [TestMethod]
    public void Says_the_same_as_before_when_what_failed_in_between_is_taken_back()
    {
        Write(("MaxSize", "100KB"));
        Write(("MaxSize", "1B"), ("CalibrationData", _folder.File("nowhere")));
        Write(("MaxSize", "100KB"));

        Assert.AreEqual(100 * 1024, OptimizationRequest.Read(RequestPath).Budgets.MaxSizeBytes);
    }

    [TestMethod]
    public void Is_written_anew_when_somebody_else_wrote_it()
    {
        Write();
        File.WriteAllText(RequestPath, "of another build");

        Write();

        Assert.AreEqual("digits", OptimizationRequest.Read(RequestPath).Name);
    }

    [TestMethod]
    public void Is_left_alone_when_nothing_changes()
    {
        Write();
        File.SetLastWriteTimeUtc(RequestPath, s_longAgo);

        Write();

        Assert.AreEqual(s_longAgo, File.GetLastWriteTimeUtc(RequestPath));
    }

    [TestMethod]
    [DataRow(true, false)]
    [DataRow(false, true)]
    public void A_result_that_claims_a_missing_artifact_goes_and_a_failed_one_stays(bool succeeded, bool stays)
    {
        var result = Path.Combine(Path.GetDirectoryName(RequestPath)!, "digits.result.json");
        new OptimizationResult { Succeeded = succeeded }.Write(result);

        Write();

        Assert.AreEqual(stays, File.Exists(result));
    }

    [TestMethod]
    public void Missing_files_are_named()
    {
        File.Delete(_folder.File("worker/modelbuild.dll"));
        Write(("CalibrationData", _folder.File("nowhere")));
        _folder.Write("worker/modelbuild.dll", [1]);
        Write(("CalibrationData", _folder.File("nowhere")));
        File.Delete(_folder.File("digits.onnx"));
        Write();

        CollectionAssert.AreEqual(new[] { "MBT3002", "MBT0005", "MBT0004" }, _engine.ErrorCodes.ToArray());
    }

    [TestMethod]
    public void Carries_the_measurements_of_its_model_and_target()
    {
        Measure("phone.json", "digits", "cpu");
        Measure("other-target.json", "digits", "cpu-arm64");
        Measure("other-model.json", "letters", "cpu");

        Write();

        Assert.AreEqual(_folder.File("phone.json"), OptimizationRequest.Read(RequestPath).Measurements.Single().Path);
        Assert.AreEqual(ContentDigest.OfFile(_folder.File("phone.json")), OptimizationRequest.Read(RequestPath).Measurements.Single().Sha256);
    }

    [TestMethod]
    public void Is_written_anew_when_a_measurement_of_its_model_changes_and_not_for_another()
    {
        Measure("phone.json", "digits", "cpu");
        Measure("other-model.json", "letters", "cpu");
        Write();
        File.SetLastWriteTimeUtc(RequestPath, s_longAgo);

        Measure("other-model.json", "letters", "cpu", runs: 2000);
        Write();
        Assert.AreEqual(s_longAgo, File.GetLastWriteTimeUtc(RequestPath));

        Measure("phone.json", "digits", "cpu", runs: 2000);
        Write();
        Assert.AreNotEqual(s_longAgo, File.GetLastWriteTimeUtc(RequestPath));
    }

    [TestMethod]
    public void A_measurement_that_can_not_be_read_is_an_error_at_its_line_in_every_build()
    {
        Measure("phone.json", "digits", "cpu");
        var lines = File.ReadAllLines(_folder.File("phone.json"));
        lines[3] = "target: cpu";
        File.WriteAllLines(_folder.File("phone.json"), lines);

        Write();
        Write();

        CollectionAssert.AreEqual(new[] { "MBT4012", "MBT4012" }, _engine.ErrorCodes.ToArray());
        Assert.AreEqual((_folder.File("phone.json"), 4), (_engine.Errors[0].File, _engine.Errors[0].LineNumber));
    }

    [TestMethod]
    public void A_measurement_that_is_missing_is_named()
    {
        _measurements.Add(_folder.File("nowhere.json"));

        Write();

        Assert.AreEqual("MBT0005", _engine.ErrorCodes.Single());
        StringAssert.Contains(_engine.Errors[0].Message, "ModelMeasurement=");
    }

    [TestMethod]
    [DataRow("8ms", "Some Processor (X64)")]
    [DataRow("9ms", null)]
    public void Carries_the_processor_that_the_limit_of_latency_is_locked_on(string limit, string? expected)
    {
        Lock(8, "Some Processor (X64)");

        Write(("MaxLatency", limit));

        Assert.AreEqual(expected, OptimizationRequest.Read(RequestPath).Budgets.MaxLatencyProcessor);
    }

    [TestMethod]
    public void A_limit_that_was_set_on_this_kind_of_processor_says_nothing_new()
    {
        Write(("MaxLatency", "8ms"));
        File.SetLastWriteTimeUtc(RequestPath, s_longAgo);
        Lock(8, Contracts.Caching.ProcessorName.Current);

        Write(("MaxLatency", "8ms"));

        Assert.AreEqual(s_longAgo, File.GetLastWriteTimeUtc(RequestPath));
    }

    [TestMethod]
    public void Is_written_anew_when_a_limit_is_locked_on_another_processor()
    {
        Write(("MaxLatency", "8ms"));
        Lock(8, "Some Processor (X64)");

        Write(("MaxLatency", "8ms"));

        Assert.AreEqual("Some Processor (X64)", OptimizationRequest.Read(RequestPath).Budgets.MaxLatencyProcessor);
    }

    [TestMethod]
    public void Carries_what_is_locked_of_the_same_source_and_settings()
    {
        Write();
        LockWhatIsAsked();

        Write();
        Assert.AreEqual((ContentDigest.OfText("artifact"), 17L, "simplification"), Locked() is { } locked ? (locked.Artifact, locked.Size, locked.Plan.Single()) : default);

        Write(("Precision", "int8"));
        Assert.IsNull(Locked(), "Other settings.");

        Write();
        Change("digits.onnx");
        Write();
        Assert.IsNull(Locked(), "Another source.");
    }

    [TestMethod]
    [DataRow("artifact", true)]
    [DataRow("other artifact", false)]
    public void What_is_locked_and_lies_there_is_not_made_again(string made, bool isUpToDate)
    {
        Write();
        LockWhatIsAsked();
        var outputs = new[] { _folder.Write("obj/digits/cpu/digits.onnx", [1]), _folder.File("obj/digits/cpu/digits.result.json") };
        new OptimizationResult { Succeeded = true, ArtifactPath = outputs[0], ArtifactSha256 = ContentDigest.OfText(made) }.Write(outputs[1]);

        Write();
        Assert.AreEqual(isUpToDate, File.GetLastWriteTimeUtc(outputs[1]) >= File.GetLastWriteTimeUtc(RequestPath), "A build after an update.");

        _isUpdatingLock = true;
        Write();
        Assert.AreEqual(isUpToDate, File.GetLastWriteTimeUtc(outputs[1]) >= File.GetLastWriteTimeUtc(RequestPath), "An update after a build.");
    }

    [TestMethod]
    public void Says_nothing_of_what_is_locked_when_the_lock_file_is_updated()
    {
        Write();
        LockWhatIsAsked();
        Write();

        _isUpdatingLock = true;
        Write();

        Assert.IsNull(Locked());
    }

    [TestMethod]
    public void A_broken_lock_file_is_left_to_what_compares_with_it()
    {
        File.WriteAllText(_folder.File("models.lock.json"), "<<<<<<<");

        Write(("MaxLatency", "8ms"));

        Assert.IsEmpty(_engine.Errors);
        Assert.IsNull(OptimizationRequest.Read(RequestPath).Budgets.MaxLatencyProcessor);
    }

    [TestMethod]
    public void A_folder_that_can_not_be_written_is_named()
    {
        _folder.Write("obj", [1]);

        Write();

        Assert.AreEqual("MBT3003", _engine.ErrorCodes.Single());
    }

    private void Measure(string file, string model, string target, int runs = 100)
    {
        new DeviceMeasurement
        {
            Model = model, Target = target, Artifact = ContentDigest.OfText("artifact"), Runs = runs,
            Device = new MeasuredDevice { Processor = "Cortex-A76", Architecture = "Arm64", ExecutionProvider = "CPUExecutionProvider" },
        }.Write(_folder.File(file));
        if (!_measurements.Contains(_folder.File(file)))
        {
            _measurements.Add(_folder.File(file));
        }
    }

    private LockedChoice? Locked() => OptimizationRequest.Read(RequestPath).Locked;

    private void LockWhatIsAsked()
    {
        var request = OptimizationRequest.Read(RequestPath);
        var result = new OptimizationResult { Succeeded = true, ArtifactSha256 = ContentDigest.OfText("artifact"), Optimized = new ModelFigures { Bytes = 17 } };
        result.Recipe.Add(new RecipeStep { Name = "simplification", Applied = true });
        ModelLock.Update(_folder.File("models.lock.json"), file => file.Set(request.Name, request.Target, LockEntry.Of(request, result)), CancellationToken.None);
    }

    private void Lock(double milliseconds, string processor) => File.WriteAllText(_folder.File("models.lock.json"), FormattableString.Invariant(
        $$$"""{ "version": 1, "models": { "digits": { "cpu": { "source": "a", "settings": {}, "plan": [], "artifact": "b", "size": 1, "maxLatency": { "milliseconds": {{{milliseconds}}}, "processor": "{{{processor}}}" } } } } }"""));

    // Its last byte becomes another.
    private void Change(string input)
    {
        var bytes = File.ReadAllBytes(_folder.File(input));
        bytes[^1]++;
        _folder.Write(input, bytes);
    }

    private string RequestPath => _folder.File("obj/digits/cpu/digits.request.json");

    private void Write(params (string Name, string Value)[] metadata)
    {
        var variant = new TaskItem(_folder.File("obj/digits/cpu/digits.onnx"));
        foreach (var (name, value) in (IEnumerable<(string, string)>)[("ModelPath", _folder.File("digits.onnx")), ("Name", "digits"), ("TargetProfile", "cpu"), .. metadata])
        {
            variant.SetMetadata(name, value);
        }

        new WriteModelRequests
        {
            BuildEngine = _engine,
            Variants = [variant],
            WorkerPath = _folder.File("worker/modelbuild.dll"),
            ProjectFile = _folder.File("app.csproj"),
            Directory = _folder.File("obj"),
            CacheDirectory = "cache",
            Measurements = [.. _measurements],
            LockFile = _folder.File("models.lock.json"),
            IsUpdatingLock = _isUpdatingLock,
            OptimizationTimeout = "90s",
        }.Execute();
    }
}
