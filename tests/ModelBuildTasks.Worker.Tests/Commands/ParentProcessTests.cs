using System.Diagnostics;
using System.Globalization;
using ModelBuildTasks.Worker.Commands;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Commands;

[TestClass]
public sealed class ParentProcessTests : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);
    private readonly Workplace place = Workplace.With(SmallModels.Mlp());

    public void Dispose() => place.Dispose();

    [TestMethod]
    public void A_worker_whose_parent_is_killed_stops_and_leaves_nothing()
    {
        using Process parent = StartParent();
        using Process worker = StartWorker(parent.Id, request => request.EvaluationData = place.WriteData("evaluation", count: 50_000));
        // By then the candidate is on the disk.
        while (worker.StandardOutput.ReadLine() is { } line && !line.EndsWith("measuring accuracy", StringComparison.Ordinal))
        {
        }

        Assert.HasCount(1, Directory.GetFiles(place["obj"], "*.staged"));

        parent.Kill();

        Assert.IsTrue(worker.WaitForExit(Longest), "The worker is still there.");
        Assert.AreEqual(ModelCommand.Interrupted, worker.ExitCode);
        Assert.IsFalse(File.Exists(place["obj/model.cpu.result.json"]));
        Assert.IsEmpty(Directory.GetFiles(place["obj"], "*.staged"));
    }

    [TestMethod]
    public void It_ends_even_where_it_can_not_stop()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Inconclusive("Windows has no named pipe that looks like a file.");
        }

        // A model that is opened and never arrives.
        File.Delete(place.ModelPath);
        using (Process pipe = Process.Start("mkfifo", [place.ModelPath]))
        {
            pipe.WaitForExit();
        }

        using Process parent = StartParent();
        using Process worker = StartWorker(parent.Id, _ => { });
        Assert.IsNotNull(worker.StandardOutput.ReadLine());

        parent.Kill();

        Assert.IsTrue(worker.WaitForExit(Longest), "The worker is still there.");
        Assert.AreEqual(ModelCommand.Interrupted, worker.ExitCode);
    }

    [TestMethod]
    public void A_parent_that_is_gone_before_the_worker_looks_counts_as_gone()
    {
        using Process parent = StartParent();
        int id = parent.Id;
        parent.Kill();
        parent.WaitForExit();

        using Process worker = StartWorker(id, request => request.EvaluationData = place.WriteData("evaluation", count: 20_000));

        Assert.IsTrue(worker.WaitForExit(Longest), "The worker is still there.");
        Assert.AreEqual(ModelCommand.Interrupted, worker.ExitCode);
    }

    // Any program that waits: this one for its standard input.
    private static Process StartParent() => Process.Start(
        new ProcessStartInfo(OperatingSystem.IsWindows() ? "findstr" : "cat", OperatingSystem.IsWindows() ? ["x"] : []) { RedirectStandardInput = true, RedirectStandardOutput = true })!;

    private Process StartWorker(int parent, Action<Contracts.OptimizationRequest> change)
    {
        place.Request(change).Write(place["cpu.request.json"]);
        return ModelBuildProcess.Start("build", "--parent", parent.ToString(CultureInfo.InvariantCulture), place["cpu.request.json"]);
    }
}
