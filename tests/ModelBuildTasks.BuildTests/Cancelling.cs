using System.Diagnostics;
using System.Globalization;
using ModelBuildTasks.BuildTests.Infra;

namespace ModelBuildTasks.BuildTests;

[TestClass]
public sealed class Cancelling : IDisposable
{
    private readonly App _app = new() { Items = """<OptimizedModel Include="models/digits.onnx" Name="hang" />""" };

    public void Dispose() => _app.Dispose();

    [TestMethod]
    public void An_interrupted_build_ends_its_worker_and_blames_no_one()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Inconclusive("Windows has no signal that a test could send.");
        }

        using var build = _app.StartBuild();
        var worker = WorkerOf(build);

        using (var kill = Process.Start("kill", ["-INT", build.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            kill.WaitForExit();
        }

        var (exitCode, output) = DotNet.Finish(build);
        Assert.AreNotEqual(0, exitCode);
        Assert.IsTrue(worker.WaitForExit(TimeSpan.FromSeconds(15)), "The worker is still there.");
        Assert.DoesNotContain("MBT3001", output);
    }

    private Process WorkerOf(Process build)
    {
        var longest = Stopwatch.StartNew();
        while (true)
        {
            if (File.Exists(_app.At("worker/hang.pid")) && File.ReadAllText(_app.At("worker/hang.pid")) is { Length: > 0 } id)
            {
                return Process.GetProcessById(int.Parse(id, CultureInfo.InvariantCulture));
            }

            Assert.IsTrue(longest.Elapsed < TimeSpan.FromMinutes(2) && !build.HasExited, "The worker never started.");
            Thread.Sleep(TimeSpan.FromMilliseconds(100));
        }
    }
}
