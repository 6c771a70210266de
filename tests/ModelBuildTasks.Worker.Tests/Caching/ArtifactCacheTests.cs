using ModelBuildTasks.Contracts;
using ModelBuildTasks.Worker.Caching;

namespace ModelBuildTasks.Worker.Tests.Caching;

[TestClass]
public sealed class ArtifactCacheTests : IDisposable
{
    private const string Key = "ab0123456789";
    private readonly string folder = Directory.CreateTempSubdirectory("modelbuild-cache-").FullName;
    private readonly ArtifactCache cache;
    private readonly string artifact;

    public ArtifactCacheTests()
    {
        cache = new ArtifactCache(Path.Combine(folder, "cache"));
        artifact = Path.Combine(folder, "artifact.onnx");
        File.WriteAllText(artifact, "the artifact");
    }

    private string Restored => Path.Combine(folder, "out", "restored.onnx");

    private string Entry => Path.Combine(cache.Directory, Key[..2], Key);

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [TestMethod]
    public void Gives_back_what_was_stored()
    {
        Outcome stored = Store();

        Outcome? restored = cache.TryRestore(Key, Restored);

        Assert.AreEqual("the artifact", File.ReadAllText(Restored));
        Assert.AreEqual(stored.ArtifactSha256, restored!.ArtifactSha256);
        CollectionAssert.AreEqual(stored.Steps.ToArray(), restored.Steps.ToArray());
        CollectionAssert.AreEqual(stored.Notes[0].Arguments.ToArray(), restored.Notes[0].Arguments.ToArray());
        Assert.AreEqual(stored.LatencyReason, restored.LatencyReason);
    }

    [TestMethod]
    public void Has_nothing_under_another_key()
    {
        Store();

        Assert.IsNull(cache.TryRestore("ab9999", Restored));
    }

    [TestMethod]
    public void Leaves_nothing_but_the_entry()
    {
        Store();

        CollectionAssert.AreEqual(new[] { Entry }, Directory.GetFileSystemEntries(Path.GetDirectoryName(Entry)!));
    }

    [TestMethod]
    public void Replaces_an_entry()
    {
        Store();
        File.WriteAllText(artifact, "a newer artifact");
        Store();

        cache.TryRestore(Key, Restored);

        Assert.AreEqual("a newer artifact", File.ReadAllText(Restored));
    }

    [TestMethod]
    [DataRow("artifact.onnx", "the artefact")]
    [DataRow("artifact.onnx", "")]
    [DataRow("outcome.json", "")]
    [DataRow("outcome.json", "{")]
    [DataRow("outcome.json", "{}")]
    [DataRow("outcome.json", "null")]
    [DataRow("outcome.json", "[1, 2]")]
    public void Ignores_an_entry_whose_file_was_damaged(string file, string content)
    {
        Store();
        File.WriteAllText(Path.Combine(Entry, file), content);

        Assert.IsNull(cache.TryRestore(Key, Restored));
        Assert.IsFalse(File.Exists(Restored));
    }

    [TestMethod]
    public void Ignores_an_outcome_whose_notes_are_gone()
    {
        Store();
        string outcome = Path.Combine(Entry, "outcome.json");
        File.WriteAllText(outcome, System.Text.RegularExpressions.Regex.Replace(File.ReadAllText(outcome), @"""Steps"": \[[^\]]*\]", "\"Steps\": null"));

        Assert.IsNull(cache.TryRestore(Key, Restored));
    }

    [TestMethod]
    [DataRow("artifact.onnx")]
    [DataRow("outcome.json")]
    public void Ignores_an_entry_whose_file_is_gone(string file)
    {
        Store();
        File.Delete(Path.Combine(Entry, file));

        Assert.IsNull(cache.TryRestore(Key, Restored));
    }

    [TestMethod]
    public void A_folder_that_cannot_be_made_holds_nothing_and_stops_nobody()
    {
        ArtifactCache unusable = new(Path.Combine(artifact, "cache"));

        Assert.IsNull(unusable.Lock(Key, CancellationToken.None));
        unusable.Store(Key, artifact, Sample());
        Assert.IsNull(unusable.TryRestore(Key, Restored));
    }

    [TestMethod]
    [Timeout(30_000, CooperativeCancellation = true)]
    public void A_lock_file_that_cannot_be_made_is_not_waited_for()
    {
        // No file system takes names of 300 characters; a full disk or a read-only one answers likewise.
        Assert.IsNull(cache.Lock(new string('a', 300), TestContext.CancellationToken));
    }

    [TestMethod]
    public async Task A_lock_waits_for_its_holder()
    {
        IDisposable first = cache.Lock(Key, CancellationToken.None)!;
        Task<IDisposable?> second = Task.Run(() => cache.Lock(Key, CancellationToken.None));
        await Task.Delay(300, TestContext.CancellationToken);
        Assert.IsFalse(second.IsCompleted);

        first.Dispose();

        using IDisposable? held = await second;
        Assert.IsNotNull(held);
    }

    [TestMethod]
    public void Waiting_for_a_lock_can_be_cancelled()
    {
        using IDisposable? holder = cache.Lock(Key, CancellationToken.None);
        using CancellationTokenSource cancellation = new(TimeSpan.FromMilliseconds(200));

        Assert.ThrowsExactly<OperationCanceledException>(() => cache.Lock(Key, cancellation.Token));
    }

    [TestMethod]
    public void A_lock_leaves_no_file()
    {
        cache.Lock(Key, CancellationToken.None)!.Dispose();

        Assert.IsEmpty(Directory.GetFiles(cache.Directory));
    }

    public required TestContext TestContext { get; init; }

    private Outcome Store()
    {
        Outcome outcome = Sample();
        cache.Store(Key, artifact, outcome);
        return outcome;
    }

    private Outcome Sample() => new()
    {
        ArtifactSha256 = ContentDigest.OfFile(artifact),
        OriginalBytes = 100,
        ArtifactBytes = 12,
        Steps = [new Step("folding", true, "Folded.")],
        Notes = [Note.Of(DiagnosticCatalogue.FellBack, "static", "dynamic", "no data")],
        LatencyReason = "nobody asked",
    };
}
