using System.Runtime.InteropServices;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Commands;

namespace ModelBuildTasks.Worker.Tests.Commands;

[TestClass]
public sealed class ShippedModelTests
{
    [TestMethod]
    [DataRow("digits.cpu-arm64.onnx", "digits", "cpu-arm64")]
    [DataRow("digits.cpu-arm64.onnx.br", "digits", "cpu-arm64")]
    [DataRow("digits.cpu.onnx", "digits", "cpu")]
    [DataRow("v1.0.cpu-x64.ONNX", "v1.0", "cpu-x64")]
    public void A_file_is_named_after_its_model_and_target(string file, string name, string target) =>
        Assert.AreEqual((name, target), ShippedModel.Describe(Path.Combine("models", file)));

    [TestMethod]
    public void A_build_names_the_folder_after_the_target() =>
        Assert.AreEqual(("digits", "cpu-arm64"), ShippedModel.Describe(Path.Combine("obj", "modelbuild", "digits", "cpu-arm64", "digits.onnx")));

    [TestMethod]
    [DataRow("digits.onnx", "digits")]
    [DataRow("digits", "digits")]
    [DataRow("digits.v2.onnx", "digits.v2")]
    public void Without_a_target_it_is_that_of_this_processor(string file, string name) =>
        Assert.AreEqual((name, TargetNames.Default(RuntimeInformation.RuntimeIdentifier)), ShippedModel.Describe(file));
}
