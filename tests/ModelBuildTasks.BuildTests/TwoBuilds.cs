using ModelBuildTasks.BuildTests.Infra;
using ModelBuildTasks.Contracts;

namespace ModelBuildTasks.BuildTests;

[TestClass]
public sealed class TwoBuilds : IDisposable
{
    private readonly App _app = new();

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void In_one_obj_they_take_turns_and_the_second_finds_the_work_done()
    {
        _app.Run("restore").ShouldSucceed();
        _app.Write("worker/fault.txt", "slow");

        AtOnce(["--no-restore", "-t:ValidateModelBudgets"], ["--no-restore", "-t:ValidateModelBudgets"]);

        Assert.AreEqual(1, _app.WorkerRuns);
        Assert.IsTrue(OptimizationResult.Read(_app.At("obj/Debug/net10.0/modelbuild/digits/cpu/digits.result.json")).Succeeded);
        Assert.IsTrue(File.Exists(_app.At("obj/Debug/net10.0/modelbuild/digits/cpu/digits.onnx")));
        Assert.IsEmpty(Leftovers.In(_app));
    }

    [TestMethod]
    public void Of_two_configurations_they_optimize_once()
    {
        // Seconds of work, so that the second comes while the first is at it.
        const string sample = "samples/MeterReader";
        _app.UsesRealWorker = true;
        File.Copy(Path.Combine(Repository.Root, sample, "Models", "digits.onnx"), _app.At("models/digits.onnx"), overwrite: true);
        _app.Items = $"""
            <OptimizedModel Include="models/digits.onnx" Precision="Int8" Quantization="Static"
                            CalibrationData="{Path.Combine(Repository.Root, sample, "Data", "calibration")}"
                            EvaluationData="{Path.Combine(Repository.Root, sample, "Data", "evaluation")}" />
            """;
        _app.Run("restore").ShouldSucceed();

        AtOnce(["--no-restore", "-c", "Debug", "-p:ModelMeasurement=Skip"], ["--no-restore", "-c", "Release", "-p:ModelMeasurement=Skip"]);

        var results = new[] { "Debug", "Release" }.Select(configuration => OptimizationResult.Read(_app.At($"obj/{configuration}/net10.0/modelbuild/digits/cpu/digits.result.json"))).ToList();
        Assert.AreEqual(1, results.Count(result => !result.FromCache));
        Assert.AreEqual(results[0].ArtifactSha256, results[1].ArtifactSha256);
    }

    private void AtOnce(string[] first, string[] second)
    {
        using var one = _app.StartBuild(first);
        using var two = _app.StartBuild(second);
        foreach (var build in new[] { one, two })
        {
            var (exitCode, output) = DotNet.Finish(build);
            Assert.AreEqual(0, exitCode, output);
        }
    }
}
