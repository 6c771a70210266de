using ModelBuildTasks.BuildTests.Infra;

namespace ModelBuildTasks.BuildTests;

[TestClass]
public sealed class Crashing : IDisposable
{
    private const string Artifact = "obj/Debug/net10.0/modelbuild/digits/cpu/digits.onnx";
    private readonly App _app = new();

    public void Dispose() => _app.Dispose();

    [TestMethod]
    [DataRow("crash", "exit code 134")]
    [DataRow("abort", "the floor gave way")]
    [DataRow("segfault", "exit code 139")]
    public void A_worker_that_dies_costs_an_error_and_nothing_else(string fault, string explanation)
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Inconclusive("The exit codes are those of signals, which Windows does not have.");
        }

        var before = BuildAndChange();
        _app.Write("worker/fault.txt", fault);

        Assert.Contains(explanation, _app.Build().ShouldFailWith("MBT3001").Output);

        ShouldRecover(before);
    }

    [TestMethod]
    public void A_worker_that_is_killed_costs_an_error_and_nothing_else()
    {
        var before = BuildAndChange();
        _app.Write("worker/fault.txt", "hang");
        using var build = _app.StartBuild();
        var worker = Signals.WaitFor(_app.At("worker/hang.pid"), build);

        Signals.Send("KILL", worker);

        var (exitCode, output) = DotNet.Finish(build);
        Assert.AreNotEqual(0, exitCode);
        Assert.Contains("error MBT3001", output);
        ShouldRecover(before);
    }

    [TestMethod]
    public void The_real_worker_killed_at_work_leaves_nothing_that_the_next_build_would_not_remove()
    {
        const string sample = "samples/MeterReader";
        _app.UsesRealWorker = true;
        _app.Items = $"""
            <OptimizedModel Include="models/digits.onnx" Precision="Int8" CalibrationData="{Path.Combine(Repository.Root, sample, "Data", "calibration")}"
                            EvaluationData="{Path.Combine(Repository.Root, sample, "Data", "evaluation")}" />
            """;
        File.Copy(Path.Combine(Repository.Root, sample, "Models", "digits.onnx"), _app.At("models/digits.onnx"), overwrite: true);
        using var build = _app.StartBuild();
        Signals.Send("KILL", Signals.WaitForWorkerThatWrites(_app.Folder, build));

        var (exitCode, output) = DotNet.Finish(build);

        Assert.AreNotEqual(0, exitCode);
        Assert.Contains("error MBT3001", output);
        Assert.IsFalse(File.Exists(_app.At(Artifact)));
        Assert.IsNotEmpty(Leftovers.In(_app), "It was killed too early to prove anything.");
        _app.Build("-p:ModelMeasurement=Skip").ShouldSucceed();
        Assert.IsEmpty(Leftovers.In(_app));
    }

    [TestMethod]
    public void A_worker_that_hangs_and_ignores_SIGTERM_is_ended_in_time()
    {
        var before = BuildAndChange();
        _app.Write("worker/fault.txt", "hang");

        var outcome = _app.Build("-p:ModelOptimizationTimeout=1s").ShouldFailWith("MBT3004");

        Assert.Contains("Optimizing took longer than 1s.", outcome.Output);
        using var worker = System.Diagnostics.Process.GetProcesses().FirstOrDefault(process => process.Id == int.Parse(File.ReadAllText(_app.At("worker/hang.pid"))));
        Assert.IsTrue(worker is null || worker.HasExited, "The worker is still there.");
        ShouldRecover(before);
    }

    private byte[] BuildAndChange()
    {
        _app.Build().ShouldSucceed();
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Precision="Float32" />""";
        return File.ReadAllBytes(_app.At(Artifact));
    }

    private void ShouldRecover(byte[] before)
    {
        CollectionAssert.AreEqual(before, File.ReadAllBytes(_app.At(Artifact)));
        File.Delete(_app.At("worker/fault.txt"));
        _app.Build().ShouldSucceed();
        CollectionAssert.AreNotEqual(before, File.ReadAllBytes(_app.At(Artifact)));
        Assert.IsEmpty(Leftovers.In(_app));
    }
}
