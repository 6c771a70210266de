using System.Diagnostics;
using System.Globalization;
using ModelBuildTasks.Contracts;
using ModelBuildTasks.Contracts.Locking;
using ModelBuildTasks.Worker.Reporting.History;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Reporting;

[TestClass]
public sealed class LockHistoryTests : IDisposable
{
    private readonly Workplace place = new();

    private string LockFile => place["app/models.lock.json"];

    public void Dispose()
    {
        // Git makes its objects read-only, which Windows does not delete.
        foreach (string file in Directory.EnumerateFiles(place.Folder, "*", SearchOption.AllDirectories))
        {
            File.SetAttributes(file, FileAttributes.Normal);
        }

        place.Dispose();
    }

    [TestMethod]
    public void States_of_an_entry_come_oldest_first_without_commits_that_changed_nothing_of_it()
    {
        Repository();
        Commit("first", Entry(1000, 0.5));
        Commit("another model", Entry(1000, 0.5), "other");
        Commit("smaller\tand \"quoted\" <b>", Entry(400, 0.4));

        IReadOnlyList<LockedState> states = LockHistory.Read(LockFile).Of("digits", TargetNames.Cpu);

        CollectionAssert.AreEqual(new[] { "first", "smaller\tand \"quoted\" <b>" }, states.Select(state => state.Subject).ToArray());
        CollectionAssert.AreEqual(new[] { 1000L, 400 }, states.Select(state => state.Entry.ShippedSize).ToArray());
        CollectionAssert.AreEqual(new double?[] { 0.5, 0.4 }, states.Select(state => state.Entry.Latency!.Value).ToArray());
        Assert.AreEqual("2001-09-09", states[0].Date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        Assert.IsEmpty(LockHistory.Read(LockFile).Of("digits", TargetNames.CpuX64));
    }

    [TestMethod]
    public void What_is_no_lock_file_is_left_out()
    {
        Repository();
        Commit("first", Entry(1000, 0.5));
        File.WriteAllText(LockFile, "<<<<<<< ours\n");
        Git("commit", "-a", "-q", "-m", "broken");
        File.Delete(LockFile);
        Commit("mended", Entry(900, 0.5));

        Assert.HasCount(2, LockHistory.Read(LockFile).Of("digits", TargetNames.Cpu));
    }

    [TestMethod]
    public void At_most_fifty_commits_are_read()
    {
        Repository();
        for (int i = 0; i < 53; i++)
        {
            Commit($"{i}", Entry(1000 + i, 0.5));
        }

        IReadOnlyList<LockedState> states = LockHistory.Read(LockFile).Of("digits", TargetNames.Cpu);

        Assert.HasCount(50, states);
        Assert.AreEqual("52", states[^1].Subject);
    }

    [TestMethod]
    public void A_name_is_no_pattern_and_no_option()
    {
        Repository();
        string odd = place["app/--[a]*.json"];
        ModelLock.Update(odd, file => file.Set("digits", TargetNames.Cpu, Entry(7, 0.5)), CancellationToken.None);
        Git("add", "--", "./--[a]*.json");
        Git("commit", "-q", "-m", "odd");

        Assert.AreEqual("odd", LockHistory.Read(odd).Of("digits", TargetNames.Cpu).Single().Subject);
    }

    [TestMethod]
    public void Without_a_repository_a_commit_or_a_folder_there_is_no_history()
    {
        Directory.CreateDirectory(place["app"]);
        File.WriteAllText(LockFile, "{}");
        // A repository around the folder of temporary files would be asked otherwise.
        File.WriteAllText(place["app/.git"], "gitdir: nowhere");

        Assert.IsEmpty(LockHistory.Read(LockFile).Of("digits", TargetNames.Cpu));
        Assert.IsEmpty(LockHistory.Read(place["nowhere/models.lock.json"]).Of("digits", TargetNames.Cpu));
        File.Delete(place["app/.git"]);
        Repository();
        Assert.IsEmpty(LockHistory.Read(LockFile).Of("digits", TargetNames.Cpu));
    }

    private static LockEntry Entry(long bytes, double ratio) => LockEntry.Of(new OptimizationRequest(), new OptimizationResult
    {
        Succeeded = true,
        ArtifactSha256 = bytes.ToString("x64", CultureInfo.InvariantCulture),
        Optimized = new ModelFigures { Bytes = bytes, Accuracy = 0.98 },
        LatencyRatio = new LatencyRatio { Measured = true, Value = ratio, Low = ratio, High = ratio, Processor = "a processor", Threads = 1 },
    });

    private void Repository()
    {
        Directory.CreateDirectory(place["app"]);
        Git("init", "-q");
    }

    private void Commit(string subject, LockEntry entry, string model = "digits")
    {
        ModelLock.Update(LockFile, file => file.Set(model, TargetNames.Cpu, entry), CancellationToken.None);
        Git("add", "models.lock.json");
        Git("commit", "-q", "-m", subject);
    }

    private void Git(params string[] arguments)
    {
        ProcessStartInfo start = new("git", ["-c", "user.name=A tester", "-c", "user.email=tester@example.org", "-c", "commit.gpgsign=false", .. arguments]) { WorkingDirectory = place["app"], RedirectStandardError = true };
        start.Environment["GIT_COMMITTER_DATE"] = "1000000000 +0000";
        try
        {
            using Process git = Process.Start(start)!;
            string errors = git.StandardError.ReadToEnd();
            git.WaitForExit();
            Assert.AreEqual(0, git.ExitCode, errors);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Inconclusive("There is no git on PATH.");
        }
    }
}
