using ModelBuildTasks.BuildTests.Infra;

namespace ModelBuildTasks.BuildTests;

[TestClass]
public sealed class TargetsByRuntime : IDisposable
{
    private readonly App _app = new();

    public void Dispose() => _app.Dispose();

    [TestMethod]
    [DataRow("linux-x64", "cpu-x64")]
    [DataRow("osx-arm64", "cpu-arm64")]
    public void A_runtime_identifier_gets_its_own_artifact(string runtimeIdentifier, string target)
    {
        _app.Build("-r", runtimeIdentifier, "--self-contained", "false", "-p:UseAppHost=false").ShouldSucceed();

        Assert.IsTrue(File.Exists(_app.At($"obj/Debug/net10.0/{runtimeIdentifier}/modelbuild/digits/{target}/digits.onnx")));
    }

    [TestMethod]
    public void Written_targets_are_narrowed_to_those_that_can_run()
    {
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Targets="CPU-x64;cpu-arm64;cuda" />""";

        _app.Build("-r", "osx-arm64", "--self-contained", "false", "-p:UseAppHost=false").ShouldSucceed();

        CollectionAssert.AreEqual(new[] { "cpu-arm64" },
            Directory.GetDirectories(_app.At("obj/Debug/net10.0/osx-arm64/modelbuild/digits")).Select(Path.GetFileName).ToArray());
    }

    [TestMethod]
    public void Overrides_reach_their_target_only()
    {
        _app.Items = """
            <OptimizedModel Include="models/digits.onnx" Targets="cpu;cuda" />
            <OptimizedModelTarget Include="cuda" Model="digits" Precision="Float16" />
            """;

        _app.Build().ShouldSucceed();

        StringAssert.Contains(File.ReadAllText(_app.At("obj/Debug/net10.0/modelbuild/digits/cuda/digits.request.json")), "\"Precision\": \"Float16\"");
        StringAssert.Contains(File.ReadAllText(_app.At("obj/Debug/net10.0/modelbuild/digits/cpu/digits.request.json")), "\"Precision\": \"Auto\"");
    }
}
