using System.Diagnostics;
using ModelBuildTasks.BuildTests.Infra;

namespace ModelBuildTasks.BuildTests;

[TestClass]
public sealed class Cancelling : IDisposable
{
    private readonly App _app = new();

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void An_interrupted_build_ends_its_worker_and_blames_no_one() => Interrupt("INT", (build, _) => [build]);

    [TestMethod]
    public void Ctrl_C_in_a_terminal_which_reaches_the_worker_too_blames_no_one() => Interrupt("INT", (build, worker) => [worker, build]);

    [TestMethod]
    public void A_terminated_build_ends_its_worker_and_blames_no_one() => Interrupt("TERM", (build, _) => [build]);

    [TestMethod]
    public void A_killed_build_ends_its_worker() => Interrupt("KILL", (build, _) => [build]);

    [TestMethod]
    public void A_worker_that_alone_is_interrupted_fails_the_build()
    {
        using var build = HangingBuild(out var worker);

        Signals.Send("INT", worker);

        var (exitCode, output) = DotNet.Finish(build);
        Assert.AreNotEqual(0, exitCode);
        Assert.Contains("MBT3001", output);
    }

    private void Interrupt(string signal, Func<Process, Process, Process[]> receivers)
    {
        _app.Build().ShouldSucceed();
        var artifact = File.ReadAllBytes(_app.At("obj/Debug/net10.0/modelbuild/digits/cpu/digits.onnx"));
        using var build = HangingBuild(out var worker);

        Signals.Send(signal, receivers(build, worker));

        var (exitCode, output) = DotNet.Finish(build);
        // The SDK lets a build that SIGTERM ended exit with 0.
        Assert.IsTrue(exitCode != 0 || signal == "TERM", output);
        Assert.DoesNotContain("MBT", output);
        Assert.DoesNotContain("app.dll", output);
        worker.ShouldEnd();
        CollectionAssert.AreEqual(artifact, File.ReadAllBytes(_app.At("obj/Debug/net10.0/modelbuild/digits/cpu/digits.onnx")));
        File.Delete(_app.At("worker/fault.txt"));
        _app.Build().ShouldSucceed();
        Assert.IsEmpty(Leftovers.In(_app));
    }

    private Process HangingBuild(out Process worker)
    {
        _app.Write("worker/fault.txt", "hang");
        _app.Items = """<OptimizedModel Include="models/digits.onnx" Precision="Float32" />""";
        var build = _app.StartBuild();
        worker = Signals.WaitFor(_app.At("worker/hang.pid"), build);
        return build;
    }
}
