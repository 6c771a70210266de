using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Commands;

[TestClass]
public sealed class TelemetryTests : IDisposable
{
    private readonly Workplace place = Workplace.With(SmallModels.Mlp());

    public required TestContext TestContext { get; init; }

    public void Dispose() => place.Dispose();

    [TestMethod]
    public async Task Onnx_runtime_leaves_nothing_in_the_user_s_cache_folder()
    {
        // ONNX Runtime itself keeps quiet on a build server.
        string home = Directory.CreateDirectory(place["home"]).FullName;

        ModelBuildProcess run = await ModelBuildProcess.RunIn(new() { ["XDG_CACHE_HOME"] = home, ["ORT_DISABLE_TELEMETRY"] = null, ["GITHUB_ACTIONS"] = null, ["CI"] = null }, TestContext.CancellationToken,
            "compare", place.ModelPath, place.ModelPath, "--data", place.WriteData("evaluation"));

        Assert.AreEqual(0, run.ExitCode, run.Errors);
        Assert.IsEmpty(Directory.GetFileSystemEntries(home).Where(entry => Path.GetFileName(entry) != "modelbuild"));
    }
}
