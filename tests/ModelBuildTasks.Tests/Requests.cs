using ModelBuildTasks.Contracts;
using ModelBuildTasks.Tests.Infra;

namespace ModelBuildTasks.Tests;

[TestClass]
public sealed class Requests : IDisposable
{
    private readonly RequestedProject _project = new();

    public void Dispose() => _project.Dispose();

    [TestMethod]
    public void Carries_settings_budgets_and_full_paths()
    {
        _project.Write(("Precision", "int8"), ("MaxSize", "1KB"), ("CalibrationData", _project.Folder.File("data")));

        var request = _project.Request;
        Assert.AreEqual(Precision.Int8, request.Settings.Precision);
        Assert.AreEqual(1024, request.Budgets.MaxSizeBytes);
        Assert.AreEqual(_project.Folder.File("data"), request.CalibrationData);
        Assert.IsNull(request.EvaluationData);
        Assert.AreEqual(90, request.TimeoutSeconds);
        Assert.AreEqual(_project.Folder.File("cache"), request.CacheDirectory);
        CollectionAssert.AreEqual(new[] { _project.Folder.File("digits.onnx"), _project.Folder.File("digits.bin"), _project.Folder.File("data") }, request.Inputs.Select(input => input.Path).ToArray());
    }

    [TestMethod]
    public void Carries_what_a_model_is_trained_with()
    {
        _project.Write(_project.Training);

        var request = _project.Request;
        Assert.AreEqual(FineTune.Distill, request.Settings.FineTune);
        Assert.AreEqual(3, request.Settings.FineTuneEpochs);
        Assert.AreEqual(_project.Folder.File("teacher.onnx"), request.Teacher);
        Assert.AreEqual(_project.Folder.File("student.onnx"), request.Student);
        Assert.AreEqual(_project.Folder.File("training"), request.TrainingData);
        Assert.AreEqual(_project.Folder.File("trained"), request.TrainedWeightsDirectory);
    }

    [TestMethod]
    [DataRow("teacher.onnx")]
    [DataRow("teacher.bin")]
    [DataRow("student.onnx")]
    [DataRow("training/class/a.png")]
    public void Is_written_anew_when_what_a_model_is_trained_with_changes(string input)
    {
        _project.Write(_project.Training);
        File.SetLastWriteTimeUtc(_project.RequestPath, RequestedProject.LongAgo);
        _project.Write(_project.Training);
        Assert.AreEqual(RequestedProject.LongAgo, File.GetLastWriteTimeUtc(_project.RequestPath), "Nothing has changed yet.");
        _project.Change(input);

        _project.Write(_project.Training);

        Assert.AreNotEqual(RequestedProject.LongAgo, File.GetLastWriteTimeUtc(_project.RequestPath));
    }

    [TestMethod]
    [DataRow("digits.onnx")]
    [DataRow("digits.bin")]
    [DataRow("data/class/a.png")]
    [DataRow("worker/modelbuild.dll")]
    public void Is_written_anew_when_an_input_changes(string input)
    {
        _project.Write(("CalibrationData", _project.Folder.File("data")));
        File.SetLastWriteTimeUtc(_project.RequestPath, RequestedProject.LongAgo);
        _project.Change(input);

        _project.Write(("CalibrationData", _project.Folder.File("data")));

        Assert.AreNotEqual(RequestedProject.LongAgo, File.GetLastWriteTimeUtc(_project.RequestPath));
    }

    [TestMethod]
    [DataRow("digits.onnx")]
    [DataRow("digits.bin")]
    [DataRow("data/class/a.png")]
    [DataRow("worker/modelbuild.dll")]
    public void Is_left_alone_when_an_input_is_only_touched(string input)
    {
        _project.Write(("CalibrationData", _project.Folder.File("data")));
        File.SetLastWriteTimeUtc(_project.RequestPath, RequestedProject.LongAgo);
        File.SetLastWriteTimeUtc(_project.Folder.File(input), RequestedProject.LongAgo.AddDays(1));

        _project.Write(("CalibrationData", _project.Folder.File("data")));

        Assert.AreEqual(RequestedProject.LongAgo, File.GetLastWriteTimeUtc(_project.RequestPath));
    }

    [TestMethod]
    [DataRow("digits.onnx")]
    [DataRow("data/class/a.png")]
    public void Outputs_are_renewed_when_an_input_is_newer_and_says_the_same(string input)
    {
        _project.Write(("CalibrationData", _project.Folder.File("data")));
        AssertRenews(input, ("CalibrationData", _project.Folder.File("data")));
    }

    [TestMethod]
    [DataRow("digits")]
    [DataRow("letters")]
    public void Outputs_are_renewed_when_a_measurement_is_newer_whose_ever_it_is(string model)
    {
        _project.Measure("phone.json", model, "cpu");
        _project.Write();

        AssertRenews("phone.json");
    }

    [TestMethod]
    [DataRow("digits.onnx")]
    [DataRow("digits.bin")]
    public void Is_written_anew_when_weights_change_and_neither_length_nor_time_does(string input)
    {
        var time = File.GetLastWriteTimeUtc(_project.Folder.File(input));
        _project.Write();
        File.SetLastWriteTimeUtc(_project.RequestPath, RequestedProject.LongAgo);
        _project.Change(input);
        File.SetLastWriteTimeUtc(_project.Folder.File(input), time);

        _project.Write();

        Assert.AreNotEqual(RequestedProject.LongAgo, File.GetLastWriteTimeUtc(_project.RequestPath));
    }

    [TestMethod]
    [DataRow("t10k-labels-idx1-ubyte.gz")]
    [DataRow("dataset.json")]
    [DataRow("elsewhere/labels.csv")]
    public void Is_written_anew_when_what_belongs_to_a_data_file_changes(string file)
    {
        _project.Folder.Write("idx/t10k-images-idx3-ubyte.gz", [1]);
        _project.Folder.Write("idx/t10k-labels-idx1-ubyte.gz", [1]);
        _project.Folder.Write("idx/elsewhere/labels.csv", [1]);
        _project.Folder.Write("idx/dataset.json", "{ \"labels\": \"elsewhere/labels.csv\" } "u8.ToArray());
        var data = ("EvaluationData", _project.Folder.File("idx/t10k-images-idx3-ubyte.gz"));
        _project.Write(data);
        File.SetLastWriteTimeUtc(_project.RequestPath, RequestedProject.LongAgo);
        _project.Change("idx/" + file);

        _project.Write(data);

        Assert.AreNotEqual(RequestedProject.LongAgo, File.GetLastWriteTimeUtc(_project.RequestPath));
    }

    [TestMethod]
    [DataRow("new", "data/class/b.png")]
    [DataRow("renamed", "data/class/a2.png")]
    public void Is_written_anew_when_a_file_comes_or_is_renamed(string how, string file)
    {
        _project.Write(("CalibrationData", _project.Folder.File("data")));
        File.SetLastWriteTimeUtc(_project.RequestPath, RequestedProject.LongAgo);
        if (how == "new")
        {
            _project.Folder.Write(file, [1]);
        }
        else
        {
            File.Move(_project.Folder.File("data/class/a.png"), _project.Folder.File(file));
        }

        _project.Write(("CalibrationData", _project.Folder.File("data")));

        Assert.AreNotEqual(RequestedProject.LongAgo, File.GetLastWriteTimeUtc(_project.RequestPath));
    }

    [TestMethod]
    public void Is_written_anew_when_external_data_arrives()
    {
        File.Delete(_project.Folder.File("digits.bin"));
        _project.Write();
        File.SetLastWriteTimeUtc(_project.RequestPath, RequestedProject.LongAgo);
        _project.Folder.Write("digits.bin", [1, 2, 3]);

        _project.Write();

        Assert.AreEqual("external/digits.bin", _project.Request.Inputs[1].Role);
    }

    [TestMethod]
    public void Says_the_same_as_before_when_what_failed_in_between_is_taken_back()
    {
        _project.Write(("MaxSize", "100KB"));
        _project.Write(("MaxSize", "1B"), ("CalibrationData", _project.Folder.File("nowhere")));
        _project.Write(("MaxSize", "100KB"));

        Assert.AreEqual(100 * 1024, _project.Request.Budgets.MaxSizeBytes);
    }

    [TestMethod]
    public void Is_written_anew_when_somebody_else_wrote_it()
    {
        _project.Write();
        File.WriteAllText(_project.RequestPath, "of another build");

        _project.Write();

        Assert.AreEqual("digits", _project.Request.Name);
    }

    [TestMethod]
    public void Is_left_alone_when_nothing_changes()
    {
        _project.Write();
        File.SetLastWriteTimeUtc(_project.RequestPath, RequestedProject.LongAgo);

        _project.Write();

        Assert.AreEqual(RequestedProject.LongAgo, File.GetLastWriteTimeUtc(_project.RequestPath));
    }

    [TestMethod]
    [DataRow(true, false)]
    [DataRow(false, true)]
    public void A_result_that_claims_a_missing_artifact_goes_and_a_failed_one_stays(bool succeeded, bool stays)
    {
        var result = Path.Combine(Path.GetDirectoryName(_project.RequestPath)!, "digits.result.json");
        new OptimizationResult { Succeeded = succeeded }.Write(result);

        _project.Write();

        Assert.AreEqual(stays, File.Exists(result));
    }

    [TestMethod]
    public void Missing_files_are_named()
    {
        File.Delete(_project.Folder.File("worker/modelbuild.dll"));
        _project.Write(("CalibrationData", _project.Folder.File("nowhere")));
        _project.Folder.Write("worker/modelbuild.dll", [1]);
        _project.Write(("CalibrationData", _project.Folder.File("nowhere")));
        File.Delete(_project.Folder.File("digits.onnx"));
        _project.Write();

        File.Delete(_project.Folder.File("teacher.onnx"));
        _project.Folder.Write("digits.onnx", Tests.Infra.OnnxBytes.Model([], []));
        _project.Write(_project.Training);

        CollectionAssert.AreEqual(new[] { "MBT3002", "MBT0005", "MBT0004", "MBT0005" }, _project.Engine.ErrorCodes.ToArray());
    }

    [TestMethod]
    public void Carries_the_measurements_of_its_model_and_target()
    {
        _project.Measure("phone.json", "digits", "cpu");
        _project.Measure("other-target.json", "digits", "cpu-arm64");
        _project.Measure("other-model.json", "letters", "cpu");

        _project.Write();

        Assert.AreEqual(_project.Folder.File("phone.json"), _project.Request.Measurements.Single().Path);
        Assert.AreEqual(ContentDigest.OfFile(_project.Folder.File("phone.json")), _project.Request.Measurements.Single().Sha256);
    }

    [TestMethod]
    public void Is_written_anew_when_a_measurement_of_its_model_changes_and_not_for_another()
    {
        _project.Measure("phone.json", "digits", "cpu");
        _project.Measure("other-model.json", "letters", "cpu");
        _project.Write();
        File.SetLastWriteTimeUtc(_project.RequestPath, RequestedProject.LongAgo);

        _project.Measure("other-model.json", "letters", "cpu", runs: 2000);
        _project.Write();
        Assert.AreEqual(RequestedProject.LongAgo, File.GetLastWriteTimeUtc(_project.RequestPath));

        _project.Measure("phone.json", "digits", "cpu", runs: 2000);
        _project.Write();
        Assert.AreNotEqual(RequestedProject.LongAgo, File.GetLastWriteTimeUtc(_project.RequestPath));
    }

    [TestMethod]
    public void A_measurement_that_can_not_be_read_is_an_error_at_its_line_in_every_build()
    {
        _project.Measure("phone.json", "digits", "cpu");
        var lines = File.ReadAllLines(_project.Folder.File("phone.json"));
        lines[3] = "target: cpu";
        File.WriteAllLines(_project.Folder.File("phone.json"), lines);

        _project.Write();
        _project.Write();

        CollectionAssert.AreEqual(new[] { "MBT4012", "MBT4012" }, _project.Engine.ErrorCodes.ToArray());
        Assert.AreEqual((_project.Folder.File("phone.json"), 4), (_project.Engine.Errors[0].File, _project.Engine.Errors[0].LineNumber));
    }

    [TestMethod]
    public void A_measurement_that_is_missing_is_named()
    {
        _project.Name("nowhere.json");

        _project.Write();

        Assert.AreEqual("MBT0005", _project.Engine.ErrorCodes.Single());
        StringAssert.Contains(_project.Engine.Errors[0].Message, "ModelMeasurement=");
    }

    [TestMethod]
    public void A_folder_that_can_not_be_written_is_named()
    {
        _project.Folder.Write("obj", [1]);

        _project.Write();

        Assert.AreEqual("MBT3003", _project.Engine.ErrorCodes.Single());
    }

    private void AssertRenews(string input, params (string Name, string Value)[] metadata)
    {
        var outputs = _project.Make("artifact");
        var touched = DateTime.UtcNow.AddSeconds(-1);
        Array.ForEach(outputs, output => File.SetLastWriteTimeUtc(output, touched.AddSeconds(-1)));
        File.SetLastWriteTimeUtc(_project.Folder.File(input), touched);

        _project.Write(metadata);

        Assert.IsTrue(Array.TrueForAll(outputs, output => File.GetLastWriteTimeUtc(output) > touched));
    }
}
