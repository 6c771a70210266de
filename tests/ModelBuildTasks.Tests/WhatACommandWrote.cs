using ModelBuildTasks.Exporting;
using ModelBuildTasks.Tests.Infra;
using static ModelBuildTasks.Tests.Infra.OnnxBytes;

namespace ModelBuildTasks.Tests;

/// <summary>What is left of models, and of their external data, after a command that failed.</summary>
[TestClass]
public sealed class WhatACommandWrote : IDisposable
{
    private static readonly byte[] s_model = OnnxBytes.Model([Tensor("image", Float, 1)], [Tensor("scores", Float, 1)], ExternalInitializer("w", "weights.bin"));
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void What_it_did_not_touch_stays()
    {
        Begin("digits.onnx", "weights.bin", "digits.onnx.data");

        Fail();

        AssertLeft("digits.onnx", "digits.onnx.data", "weights.bin");
    }

    [TestMethod]
    public void Half_a_model_goes_and_data_that_was_there_before_stays()
    {
        Begin("digits.onnx", "weights.bin", "digits.onnx.data");

        Fail("digits.onnx");

        AssertLeft("digits.onnx.data", "weights.bin");
    }

    [TestMethod]
    [DataRow("digits.onnx.data")]
    [DataRow("digits.onnx_data")]
    [DataRow("digits.onnx_data_1")]
    public void Data_that_it_wrote_for_half_a_model_goes_too(string data)
    {
        Begin();

        Fail("digits.onnx", data, "digits.onnx.log");

        AssertLeft("digits.onnx.log");
    }

    [TestMethod]
    public void A_model_goes_whose_data_it_overwrote()
    {
        Begin("digits.onnx", "weights.bin");

        Fail("weights.bin");

        AssertLeft();
    }

    [TestMethod]
    public void Another_model_of_the_command_stays()
    {
        Begin("digits.onnx", "weights.bin", "letters.onnx");

        Fail("letters.onnx", "letters.onnx.data");

        AssertLeft("digits.onnx", "weights.bin");
    }

    private ExportedFiles _files = null!;

    private void Begin(params string[] files)
    {
        foreach (var file in files)
        {
            _folder.Write(file, Path.GetExtension(file) == ".onnx" && file[0] == 'd' ? s_model : [1, 2, 3]);
        }

        _files = new ExportedFiles([_folder.File("digits.onnx"), _folder.File("letters.onnx")]);
    }

    private void Fail(params string[] written)
    {
        foreach (var file in written)
        {
            _folder.Write(file, [8]);
        }

        _files.DeleteWritten();
    }

    private void AssertLeft(params string[] files) =>
        CollectionAssert.AreEqual(files, Directory.GetFiles(_folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal).ToArray());
}
