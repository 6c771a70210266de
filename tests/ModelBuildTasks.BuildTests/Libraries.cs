using ModelBuildTasks.BuildTests.Infra;

namespace ModelBuildTasks.BuildTests;

/// <summary>A library with a model, and an app that references the project and knows nothing of ModelBuildTasks.</summary>
[TestClass]
public sealed class Libraries : IDisposable
{
    private const string Reference = """<ProjectReference Include="../Models/Models.csproj" />""";
    private readonly App _app = new();

    public void Dispose() => _app.Dispose();

    [TestMethod]
    [DataRow("", "build", "Consumer/bin/Debug/net10.0")]
    [DataRow("Embed=\"false\"", "build", "Consumer/bin/Debug/net10.0")]
    [DataRow("Embed=\"false\"", "publish", "Consumer/bin/Release/net10.0/publish")]
    public void An_app_runs_the_model_of_a_library(string metadata, string command, string output)
    {
        _app.WriteLibrary(metadata);
        _app.WriteConsumer(Reference);

        _app.Run(command, "Consumer/Consumer.csproj").ShouldSucceed();

        Assert.AreEqual("cpu 7", _app.Execute($"{output}/Consumer.dll"));
        Assert.AreEqual(metadata.Length > 0, File.Exists(_app.At($"{output}/models/digits.cpu.onnx")));
        Assert.AreEqual(1, _app.WorkerRuns);
    }

    // The SDK removes RuntimeIdentifier from references to projects that declare none.
    [TestMethod]
    [DataRow("", "cpu")]
    [DataRow("<RuntimeIdentifiers>linux-x64;win-x64</RuntimeIdentifiers>", "cpu-x64")]
    public void A_library_has_a_model_for_the_apps_runtime_when_it_names_runtimes(string properties, string target)
    {
        _app.WriteLibrary("", properties);
        _app.WriteConsumer(Reference);

        _app.Run("publish", "Consumer/Consumer.csproj", "-r", "linux-x64", "--self-contained", "false", "-o", _app.At("out")).ShouldSucceed();

        CollectionAssert.AreEqual(new[] { $"models/digits.{target}.onnx: for {target} in Auto" }, ManifestModels.In(File.ReadAllBytes(_app.At("out/Models.dll"))));
    }
}
