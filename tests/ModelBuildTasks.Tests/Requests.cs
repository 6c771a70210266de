using Microsoft.Build.Utilities;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Tests.Infra;
using static ModelBuildTasks.Tests.Infra.OnnxBytes;

namespace ModelBuildTasks.Tests;

[TestClass]
public sealed class Requests : IDisposable
{
    private static readonly DateTime s_longAgo = new(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc);
    private readonly TemporaryFolder _folder = new();
    private readonly BuildEngine _engine = new();

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
        File.SetLastWriteTimeUtc(_folder.File(input), s_longAgo);

        Write(("CalibrationData", _folder.File("data")));

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
        _folder.Write("idx/dataset.json", "{ \"labels\": \"elsewhere/labels.csv\" }"u8.ToArray());
        var data = ("EvaluationData", _folder.File("idx/t10k-images-idx3-ubyte.gz"));
        Write(data);
        File.SetLastWriteTimeUtc(RequestPath, s_longAgo);
        File.SetLastWriteTimeUtc(_folder.File("idx/" + file), s_longAgo);

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
    public void A_fault_of_the_environment_is_tried_again()
    {
        var result = Path.Combine(Path.GetDirectoryName(RequestPath)!, "digits.result.json");
        var failed = new OptimizationResult();
        failed.Diagnostics.Add(Diagnostic.Create(DiagnosticCatalogue.CannotWrite, null, "digits.onnx", "the disk is full"));
        failed.Write(result);

        Write();

        Assert.IsFalse(File.Exists(result));
    }

    [TestMethod]
    public void What_the_network_did_to_the_last_build_is_not_said_again()
    {
        var result = Path.Combine(Path.GetDirectoryName(RequestPath)!, "digits.result.json");
        var made = new OptimizationResult();
        made.Diagnostics.Add(Diagnostic.Create(DiagnosticCatalogue.RemoteCacheFailed, null, "http://localhost/", "it did not answer in time"));
        made.Diagnostics.Add(Diagnostic.Create(DiagnosticCatalogue.AccuracyNotMeasured, null, "digits", "cpu"));
        made.Write(result);

        Write();

        Assert.AreEqual("MBT1004", OptimizationResult.Read(result).Diagnostics.Single().Code);
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
    public void A_folder_that_can_not_be_written_is_named()
    {
        _folder.Write("obj", [1]);

        Write();

        Assert.AreEqual("MBT3003", _engine.ErrorCodes.Single());
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
            CacheDirectory = "cache",
            OptimizationTimeout = "90s",
        }.Execute();
    }
}
