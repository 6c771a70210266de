using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Reporting;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Commands;

[TestClass]
public sealed class CacheCommandTests : IDisposable
{
    private readonly Workplace place = Workplace.With(SmallModels.Plain());

    public required TestContext TestContext { get; init; }

    private string Artifact => Directory.GetFiles(Path.Combine(place.Cache, "cas"), "*", SearchOption.AllDirectories).Single();

    /// <summary>The artifact's own, and the verdict on it.</summary>
    private string[] Entries => Directory.GetFiles(Path.Combine(place.Cache, "ac"), "*", SearchOption.AllDirectories);

    public void Dispose() => place.Dispose();

    [TestMethod]
    public async Task List_names_model_target_size_and_use()
    {
        Fill();

        ModelBuildProcess run = await Cache("list");

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        string row = run.Lines.Single(line => Entries.Any(entry => line.StartsWith(Path.GetFileName(entry)[..12], StringComparison.Ordinal)));
        foreach (string expected in (string[])["model", TargetNames.Cpu, $"{new FileInfo(Artifact).Length} B", "now"])
        {
            StringAssert.Contains(row, expected);
        }

        StringAssert.StartsWith(run.Lines[^1], "1 artifact, ");
    }

    [TestMethod]
    public async Task The_default_folder_is_below_the_user_s_cache_folder()
    {
        ModelBuildProcess run = await ModelBuildProcess.RunIn(new() { ["XDG_CACHE_HOME"] = place["home"] }, TestContext.CancellationToken, "cache", "list");

        StringAssert.Contains(run.Output.ReplaceLineEndings(""), OperatingSystem.IsLinux() ? Path.Combine(place["home"], "modelbuild") : "modelbuild");
    }

    [TestMethod]
    public async Task A_relative_folder_in_the_environment_is_not_taken_as_one_of_the_build()
    {
        ModelBuildProcess run = await ModelBuildProcess.RunIn(new() { ["XDG_CACHE_HOME"] = "relative" }, TestContext.CancellationToken, "cache", "list");

        Assert.DoesNotContain("relative", run.Output);
    }

    [TestMethod]
    public async Task List_shows_what_is_damaged_and_goes_on()
    {
        Fill();
        File.WriteAllText(Entries[0], "damaged");

        ModelBuildProcess run = await Cache("list");

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        StringAssert.Contains(run.Output, "damaged");
    }

    [TestMethod]
    [DataRow("list")]
    [DataRow("verify")]
    [DataRow("clear")]
    public async Task A_folder_that_is_not_there_is_an_empty_cache(string command)
    {
        ModelBuildProcess run = await Cache(command);

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        Assert.IsFalse(Directory.Exists(place.Cache));
    }

    [TestMethod]
    [DataRow("list")]
    [DataRow("verify")]
    [DataRow("clear")]
    public async Task A_file_in_place_of_the_folder_is_a_coded_error(string command)
    {
        File.WriteAllText(place.Cache, "a file");

        (await Cache(command)).AssertFailsWith("MBT0002", place.Cache);

        Assert.IsTrue(File.Exists(place.Cache));
    }

    [TestMethod]
    public async Task Verify_finds_a_sound_cache_sound()
    {
        Fill();

        ModelBuildProcess run = await Cache("verify");

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        Assert.AreEqual("4 entries and 1 artifact verified, 0 damaged", run.Lines[^1]);
    }

    [TestMethod]
    public async Task Verify_names_and_removes_what_is_damaged_and_fails()
    {
        Fill();
        string artifact = Artifact;
        File.AppendAllText(artifact, "x");

        ModelBuildProcess run = await Cache("verify");

        Assert.AreEqual(1, run.AssertPlain().ExitCode);
        StringAssert.Contains(run.Output, artifact);
        Assert.IsFalse(File.Exists(artifact));
        Assert.AreEqual(0, (await Cache("verify")).ExitCode);
    }

    [TestMethod]
    public async Task Clear_says_what_was_freed_and_leaves_files_of_others()
    {
        Fill();
        long bytes = new FileInfo(Artifact).Length + Entries.Sum(entry => new FileInfo(entry).Length);
        File.WriteAllText(Path.Combine(place.Cache, "notes.txt"), "not ours");

        ModelBuildProcess run = await Cache("clear");

        Assert.AreEqual(0, run.AssertPlain().ExitCode, run.Errors);
        StringAssert.StartsWith(run.Lines[^1], $"Freed {Quantities.Size(bytes)}");
        Assert.IsEmpty(Directory.GetFiles(Path.Combine(place.Cache, "cas"), "*", SearchOption.AllDirectories));
        Assert.IsTrue(File.Exists(Path.Combine(place.Cache, "notes.txt")));
    }

    [TestMethod]
    public async Task A_command_that_is_none_is_refused()
    {
        ModelBuildProcess run = await Cache("destroy");

        Assert.AreNotEqual(0, run.AssertPlain().ExitCode);
        StringAssert.Contains(run.Errors, "destroy");
    }

    private void Fill() => Assert.IsTrue(Workplace.Run(place.Request()).Succeeded);

    private Task<ModelBuildProcess> Cache(string command) => ModelBuildProcess.Run(TestContext.CancellationToken, "cache", command, "--cache", place.Cache);
}
