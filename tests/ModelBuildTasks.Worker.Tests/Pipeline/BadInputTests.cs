using System.IO.Pipes;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

/// <summary>Whatever comes in, a coded diagnostic comes out that names the file, and the previous output stays as it was.</summary>
[TestClass]
public sealed class BadInputTests : IDisposable
{
    private readonly Workplace place = Workplace.With(SmallModels.Cnn());

    public void Dispose() => place.Dispose();

    [TestMethod]
    public void A_missing_model()
    {
        File.Delete(place.ModelPath);

        Assert.AreEqual(place.ModelPath, place.Fails("MBT0004", place.Request()).File);
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n")]
    [DataRow("<html><body>404</body></html>")]
    [DataRow("\u0089PNG\r\n\u001a\n\0\0\0\rIHDR\0\0\0\u0010\0\0\0\u0010\b\u0002\0\0\0")]
    public void A_file_that_is_no_model(string content)
    {
        File.WriteAllBytes(place.ModelPath, [.. content.Select(character => (byte)character)]);

        Assert.AreEqual(place.ModelPath, place.Fails("MBT4001", place.Request()).File);
    }

    [TestMethod]
    [DataRow(0.1)]
    [DataRow(0.5)]
    [DataRow(0.9)]
    [DataRow(0.999)]
    public void A_model_that_ends_early(double share)
    {
        byte[] whole = File.ReadAllBytes(place.ModelPath);
        File.WriteAllBytes(place.ModelPath, whole[..(int)(whole.Length * share)]);

        Assert.AreEqual(place.ModelPath, place.Fails("MBT4002", place.Request()).File);
    }

    [TestMethod]
    public void A_model_cut_anywhere_is_never_an_exception()
    {
        byte[] whole = File.ReadAllBytes(place.ModelPath);
        for (int length = 0; length < whole.Length; length += 173)
        {
            File.WriteAllBytes(place.ModelPath, whole[..length]);
            OptimizationResult result = Workplace.Run(place.Request());
            Assert.IsTrue(result.Succeeded || result.Diagnostics.Single().Code.StartsWith("MBT4", StringComparison.Ordinal), $"{length} bytes");
        }
    }

    [TestMethod]
    public void Missing_external_data()
    {
        // Protobuf merges concatenated messages: graph (7) { initializer (5) { dims: 1, data_type: 1, name: "e", external_data (13) { "location": "gone" }, data_location (14): 1 } }.
        byte[] entry = [10, 8, .. "location"u8, 18, 4, .. "gone"u8];
        byte[] tensor = [8, 1, 16, 1, 66, 1, (byte)'e', 106, (byte)entry.Length, .. entry, 112, 1];
        File.WriteAllBytes(place.ModelPath, [.. File.ReadAllBytes(place.ModelPath), 58, (byte)(tensor.Length + 2), 42, (byte)tensor.Length, .. tensor]);

        Diagnostic diagnostic = place.Fails("MBT4003", place.Request());

        StringAssert.Contains(diagnostic.Message, "gone");
    }

    [TestMethod]
    public void A_tensor_that_is_larger_than_any_may_be()
    {
        // As above, with 2^31 bytes of UInt8 (2).
        using (FileStream many = File.Create(place["many"]))
        {
            many.SetLength(1L << 31);
        }

        byte[] entry = [10, 8, .. "location"u8, 18, 4, .. "many"u8];
        byte[] tensor = [8, 128, 128, 128, 128, 8, 16, 2, 66, 1, (byte)'e', 106, (byte)entry.Length, .. entry, 112, 1];
        File.WriteAllBytes(place.ModelPath, [.. File.ReadAllBytes(place.ModelPath), 58, (byte)(tensor.Length + 2), 42, (byte)tensor.Length, .. tensor]);

        // Loaded alone: a build takes the digest of the 2 GB first.
        Diagnostic diagnostic = FaultDiagnostics.Of(Assert.ThrowsExactly<ModelFormatException>(() => SourceModel.Load(place.ModelPath)), place.ModelPath);

        Assert.AreEqual("MBT4018", diagnostic.Code);
        Assert.Contains("'e' has 2,147,483,648 bytes; a single tensor may have 2,147,483,647", diagnostic.Message);
    }

    [TestMethod]
    public void A_device_as_data()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Inconclusive("Windows has no devices among its files.");
        }

        Assert.AreEqual("/dev/null", place.Fails("MBT4006", place.Request(request => request.CalibrationData = "/dev/null")).File);
    }

    [TestMethod]
    public void A_pipe_as_data()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("Elsewhere than on Linux an open pipe has no path.");
        }

        using AnonymousPipeServerStream pipe = new(PipeDirection.Out);
        string path = $"/proc/self/fd/{pipe.GetClientHandleAsString()}";

        Assert.Contains(path, place.Fails("MBT4010", place.Request(request => request.EvaluationData = path)).Message);
    }

    [TestMethod]
    public void A_model_that_the_runtime_refuses()
    {
        Model model = SmallModels.Mlp();
        EditingPass.ReplaceScores(model, (graph, scores) => graph.Add("NoSuchOperator", scores));
        model.Save(place.ModelPath);

        StringAssert.Contains(place.Fails("MBT4004", place.Request()).Message, "NoSuchOperator");
    }

    [TestMethod]
    [DataRow(nameof(OptimizationRequest.CalibrationData))]
    [DataRow(nameof(OptimizationRequest.EvaluationData))]
    public void A_data_path_that_does_not_exist(string metadata)
    {
        Diagnostic diagnostic = place.Fails("MBT0005", WithData(metadata, place["nowhere"]));

        StringAssert.Contains(diagnostic.Message, $"{metadata}=\"{place["nowhere"]}\"");
    }

    [TestMethod]
    public void Data_of_another_shape()
    {
        NumpyWriter.Write(place["data/x.npy"], [4, 3, 5, 5], new float[4 * 75]);

        Diagnostic diagnostic = place.Fails("MBT4005", WithData(nameof(OptimizationRequest.CalibrationData), place["data"]));

        StringAssert.Contains(diagnostic.Message, place["data"]);
    }

    [TestMethod]
    public void Data_of_no_known_format()
    {
        Directory.CreateDirectory(place["data"]);
        File.WriteAllText(place["data/readme.txt"], "to do");

        place.Fails("MBT4006", WithData(nameof(OptimizationRequest.EvaluationData), place["data"]));
    }

    [TestMethod]
    public void Data_that_ends_early()
    {
        string data = place.WriteData("data");
        File.WriteAllBytes(place["data/x.npy"], File.ReadAllBytes(place["data/x.npy"])[..500]);

        place.Fails("MBT4006", WithData(nameof(OptimizationRequest.EvaluationData), data));
    }

    [TestMethod]
    [DataRow(nameof(OptimizationRequest.CalibrationData))]
    [DataRow(nameof(OptimizationRequest.EvaluationData))]
    public void A_metric_that_needs_labels_which_the_data_lacks(string metadata)
    {
        OptimizationRequest request = WithData(metadata, place.WriteData("data", labelled: false));
        request.Settings.Metric = Metric.Top1;

        StringAssert.Contains(place.Fails("MBT4008", request).Message, place["data"]);
    }

    [TestMethod]
    public void A_layer_to_exclude_from_pruning_that_the_model_does_not_have()
    {
        Diagnostic diagnostic = place.Fails("MBT0001", place.Request(request =>
        {
            request.Settings.Pruning = Pruning.Magnitude;
            request.Settings.Sparsity = 0.5;
            request.Settings.PruningExclude = ["*", "wieght"];
        }));

        StringAssert.Contains(diagnostic.Message, "PruningExclude=\"wieght\" is not known; expected one of weight");
    }

    [TestMethod]
    public void A_target_that_does_not_exist() => StringAssert.Contains(place.Fails("MBT0001", place.Request(request => request.Target = "tpu")).Message, "cpu-x64");

    [TestMethod]
    public void An_output_that_is_the_model()
    {
        byte[] before = File.ReadAllBytes(place.ModelPath);

        place.Fails("MBT0003", place.Request(request => request.OutputPath = place.ModelPath));

        CollectionAssert.AreEqual(before, File.ReadAllBytes(place.ModelPath));
    }

    [TestMethod]
    public void An_output_folder_that_cannot_be_written()
    {
        File.WriteAllText(place["taken"], "a file where a folder should be");

        Diagnostic diagnostic = place.Fails("MBT3003", place.Request(request => request.OutputPath = place["taken/model.onnx"]));

        Assert.AreEqual(place["taken/model.onnx"], diagnostic.File);
    }

    [TestMethod]
    public void An_output_that_is_a_folder()
    {
        Directory.CreateDirectory(place["folder.onnx"]);

        place.Fails("MBT3003", place.Request(request => request.OutputPath = place["folder.onnx"]));

        Assert.IsEmpty(Directory.GetFiles(place.Folder, "*.staged"));
    }

    private OptimizationRequest WithData(string metadata, string path) => place.Request(request =>
    {
        request.CalibrationData = metadata == nameof(OptimizationRequest.CalibrationData) ? path : null;
        request.EvaluationData = metadata == nameof(OptimizationRequest.EvaluationData) ? path : null;
    });
}
