using ModelBuildTasks.Contracts.Caching;
using System.Security.Cryptography;
using ModelBuildTasks.Tests.Infra;
using static ModelBuildTasks.Tests.Infra.OnnxBytes;

namespace ModelBuildTasks.Contracts.Tests.Inputs;

[TestClass]
public sealed class InputsOfRequests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public InputsOfRequests()
    {
        _folder.Write("model.onnx", Model([], [], ExternalInitializer("w", "weights.bin")));
        _folder.Write("weights.bin", [1, 2, 3]);
        _folder.Write("images/cat/a.png", [1]);
        _folder.Write("images/dog/b.png", [2]);
        _folder.Write("arrays/x.npy", [3]);
        _folder.Write("arrays/labels.npy", [4]);
    }

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void Are_the_model_its_weights_and_what_belongs_to_the_data()
    {
        var inputs = Digest();

        CollectionAssert.AreEqual(new[] { "model", "external/weights.bin", "calibration", "evaluation", "evaluation/labels.npy" }, inputs.Select(input => input.Role).ToArray());
        Assert.AreEqual(Convert.ToHexStringLower(SHA256.HashData([1, 2, 3])), inputs[1].Sha256);
        Assert.AreEqual(2, inputs[2].Files);
        Assert.AreEqual(2, inputs[2].Length);
    }

    [TestMethod]
    public void Are_a_teacher_and_a_student_with_their_weights_and_the_training_data()
    {
        _folder.Write("large/teacher.onnx", Model([], [], ExternalInitializer("w", "weights.bin")));
        _folder.Write("large/weights.bin", [5]);
        _folder.Write("student.onnx", Model([], []));
        var request = Request();
        (request.Teacher, request.Student, request.TrainingData) = (_folder.File("large/teacher.onnx"), _folder.File("student.onnx"), _folder.File("arrays/x.npy"));

        var inputs = RequestInputs.Digest(request, () => false).ToList();

        CollectionAssert.AreEqual(
            new[] { "model", "external/weights.bin", "teacher", "teacher/external/weights.bin", "student", "calibration", "evaluation", "evaluation/labels.npy", "training", "training/labels.npy" },
            inputs.Select(input => input.Role).ToArray());
        Assert.AreEqual(RequestInputs.DigestOfModel(Digest()), RequestInputs.DigestOfModel(inputs), "The model is the source, whatever is trained.");
    }

    [TestMethod]
    public void What_is_not_there_is_told_by_its_metadata()
    {
        var request = Request();
        (request.Teacher, request.Student, request.TrainingData) = (_folder.File("nowhere.onnx"), _folder.File("images"), _folder.File("nowhere"));

        CollectionAssert.AreEqual(new[] { "TrainingData", "Teacher", "Student" }, RequestInputs.Missing(request).Select(input => input.Metadata).ToArray(), "A student is a file.");
    }

    [TestMethod]
    [DataRow("../secret.bin")]
    [DataRow("sub/../../secret.bin")]
    [DataRow("/dev/zero")]
    [DataRow("nu\0l")]
    public void A_location_outside_the_models_folder_is_not_followed(string location)
    {
        _folder.Write("secret.bin", [1]);
        var model = _folder.Write("models/model.onnx", Model([], [], ExternalInitializer("w", location)));

        Assert.AreEqual("model", RequestInputs.Models(model).Single().Role);
    }

    [TestMethod]
    public void A_link_to_a_device_without_end_is_an_empty_file()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Inconclusive("Windows has no device that is a file without end.");
        }

        File.Delete(_folder.File("weights.bin"));
        File.CreateSymbolicLink(_folder.File("weights.bin"), "/dev/zero");

        Assert.AreEqual(Convert.ToHexStringLower(SHA256.HashData([])), Digest()[1].Sha256);
    }

    [TestMethod]
    public void A_folder_is_known_by_its_files_names_and_contents()
    {
        var before = Digest()[2].Sha256;
        File.SetLastWriteTimeUtc(_folder.File("images/cat/a.png"), DateTime.UtcNow.AddDays(-9));
        Assert.AreEqual(before, Digest()[2].Sha256, "time");

        File.Move(_folder.File("images/cat/a.png"), _folder.File("images/dog/a.png"));
        Assert.AreNotEqual(before, Digest()[2].Sha256, "class");

        File.Move(_folder.File("images/dog/a.png"), _folder.File("images/cat/a.png"));
        Assert.AreEqual(before, Digest()[2].Sha256, "moved back");

        _folder.Write("images/cat/a.png", [9]);
        Assert.AreNotEqual(before, Digest()[2].Sha256, "contents");
    }

    [TestMethod]
    public void What_the_description_of_a_table_names_belongs_to_it()
    {
        using var folder = new TemporaryFolder();
        folder.Write("reviews.csv", [1]);
        folder.Write("reviews.csv.json", """{ "slices": "regions/list.txt", "tokenizer": { "vocabulary": "bert/vocab.json", "merges": "bert/merges.txt", "text": "review" } }"""u8.ToArray());
        string[] named = ["regions/list.txt", "bert/vocab.json", "bert/merges.txt"];
        foreach (var file in named)
        {
            folder.Write(file, [2]);
        }

        CollectionAssert.IsSubsetOf(named.Select(folder.File).ToArray(), DataFiles.Of(folder.File("reviews.csv")).ToArray());
    }

    [TestMethod]
    public void A_cancelled_digest_stops() =>
        Assert.ThrowsExactly<OperationCanceledException>(() => RequestInputs.Digest(Request(), () => true).ToList());

    [TestMethod]
    public void An_input_that_was_written_since_is_read_again_before_its_result_is_kept()
    {
        var request = Digested();
        Assert.IsTrue(RequestInputs.AreUnchanged(request));

        File.SetLastWriteTimeUtc(_folder.File("weights.bin"), DateTime.UtcNow.AddMinutes(1));
        Assert.IsTrue(RequestInputs.AreUnchanged(request), "touched");

        _folder.Write("weights.bin", [4, 5, 6]);
        Assert.IsFalse(RequestInputs.AreUnchanged(request), "written");
    }

    [TestMethod]
    public void A_key_is_the_same_wherever_the_files_lie()
    {
        using var other = new TemporaryFolder();
        foreach (var file in Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories))
        {
            other.Write(Path.GetRelativePath(_folder.Path, file), File.ReadAllBytes(file));
        }

        Assert.AreEqual(RequestKey.OfResult(Digested()), RequestKey.OfResult(Digested(other)));
    }

    private List<InputDigest> Digest() => [.. RequestInputs.Digest(Request(), () => false)];

    private OptimizationRequest Digested(TemporaryFolder? folder = null)
    {
        var request = Request(folder);
        foreach (var input in RequestInputs.Digest(request, () => false))
        {
            request.Inputs.Add(input);
        }

        return request;
    }

    private OptimizationRequest Request(TemporaryFolder? folder = null) => new()
    {
        ModelPath = (folder ?? _folder).File("model.onnx"),
        CalibrationData = (folder ?? _folder).File("images"),
        EvaluationData = (folder ?? _folder).File("arrays/x.npy"),
    };
}
