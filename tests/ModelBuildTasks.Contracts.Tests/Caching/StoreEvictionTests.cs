namespace ModelBuildTasks.Contracts.Tests.Caching;

[TestClass]
public sealed class StoreEvictionTests : IDisposable
{
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan s_days = TimeSpan.FromDays(2);

    // Room for three artifacts of 1000 bytes with their entries of some 200, not for four.
    private readonly StoreFolder _folder = new(bound: 4500);

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void What_was_not_used_for_longest_goes_first()
    {
        byte[][] artifacts = [.. Enumerable.Range(1, 3).Select(number => _folder.Put(number))];
        StoreFolder.Age(s_hour * 3, _folder.EntryOf(1), _folder.ArtifactOf(artifacts[0]));
        StoreFolder.Age(s_hour * 2, _folder.EntryOf(2), _folder.ArtifactOf(artifacts[1]));
        StoreFolder.Age(s_hour, _folder.EntryOf(3), _folder.ArtifactOf(artifacts[2]));
        _folder.Get(1);

        _folder.Put(4);

        Assert.IsNull(_folder.Get(2));
        Assert.IsFalse(File.Exists(_folder.ArtifactOf(artifacts[1])));
        Assert.IsNotNull(_folder.Get(1));
        Assert.IsNotNull(_folder.Get(3));
        Assert.IsNotNull(_folder.Get(4));
    }

    [TestMethod]
    public void What_was_used_a_moment_ago_stays_whatever_the_size()
    {
        foreach (var number in Enumerable.Range(1, 6))
        {
            _folder.Put(number);
        }

        Assert.IsTrue(Enumerable.Range(1, 6).All(number => _folder.Get(number) is not null));
    }

    [TestMethod]
    public void An_artifact_stays_while_a_key_needs_it()
    {
        var shared = _folder.Put(1, content: 7);
        _folder.Put(2, content: 7);
        _folder.Put(3);
        StoreFolder.Age(s_hour, _folder.EntryOf(1), _folder.ArtifactOf(shared));

        _folder.Put(4, length: 3000);

        Assert.IsNull(_folder.Get(1));
        Assert.IsNotNull(_folder.Get(2));
    }

    [TestMethod]
    public void Nothing_goes_while_there_is_room()
    {
        var artifact = _folder.Put(1);
        StoreFolder.Age(TimeSpan.FromDays(365), _folder.EntryOf(1), _folder.ArtifactOf(artifact));

        _folder.Put(2);

        Assert.IsNotNull(_folder.Get(1));
    }

    [TestMethod]
    public void Once_a_day_the_leftovers_of_killed_processes_go()
    {
        var orphan = _folder.Put(1);
        File.Delete(_folder.EntryOf(1));
        var old = Leftover("old.tmp");
        var young = Leftover("young.tmp");
        StoreFolder.Age(s_days, old, _folder.ArtifactOf(orphan));
        SetListed(DateTime.UtcNow - s_days);

        _folder.Put(2);

        Assert.IsFalse(File.Exists(old));
        Assert.IsTrue(File.Exists(young));
        Assert.IsFalse(File.Exists(_folder.ArtifactOf(orphan)));
    }

    [TestMethod]
    public void The_folder_is_not_listed_at_every_store()
    {
        _folder.Put(1);
        var old = Leftover("old.tmp");
        StoreFolder.Age(s_days, old);

        _folder.Put(2);

        Assert.IsTrue(File.Exists(old));
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("many bytes")]
    [DataRow("-5 12")]
    [DataRow("5 99999999999999999999")]
    [DataRow("5 3155378975999999999")]
    public void A_damaged_total_is_counted_again(string total)
    {
        _folder.Put(1);
        var old = Leftover("old.tmp");
        StoreFolder.Age(s_days, old);
        File.WriteAllText(Path.Combine(_folder.Cache, "size"), total);

        _folder.Put(2);

        Assert.IsFalse(File.Exists(old), "The folder was listed.");
        Assert.IsNotNull(_folder.Get(2));
    }

    [TestMethod]
    [DoNotParallelize]
    [DataRow("1KB", false)]
    [DataRow("1GB", true)]
    [DataRow("0", true)]
    [DataRow("-1KB", true)]
    [DataRow("much", true)]
    public void The_environment_sets_the_bound_and_what_is_no_size_counts_as_none(string bound, bool stays)
    {
        const string Variable = "MODELBUILD_CACHE_SIZE";
        var before = Environment.GetEnvironmentVariable(Variable);
        using StoreFolder folder = new();
        try
        {
            Environment.SetEnvironmentVariable(Variable, bound);
            var artifact = folder.Put(1);
            StoreFolder.Age(s_hour, folder.EntryOf(1), folder.ArtifactOf(artifact));

            folder.Put(2);

            Assert.AreEqual(stays, folder.Get(1) is not null);
        }
        finally
        {
            Environment.SetEnvironmentVariable(Variable, before);
        }
    }

    [TestMethod]
    public void Files_of_others_are_never_evicted()
    {
        _folder.Put(1);
        string[] strangers = [Path.Combine(_folder.Cache, "notes.txt"), Path.Combine(_folder.Cache, "ac", "readme"), Path.Combine(_folder.Cache, "cas", "zz", new string('a', 64))];
        foreach (var stranger in strangers)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(stranger)!);
            File.WriteAllBytes(stranger, new byte[5000]);
            StoreFolder.Age(s_days, stranger);
        }

        SetListed(DateTime.UtcNow - s_days);
        _folder.Put(2);

        Assert.IsTrue(strangers.All(File.Exists));
    }

    private string Leftover(string name)
    {
        var path = Path.Combine(_folder.Cache, "tmp", name);
        File.WriteAllText(path, "a part");
        return path;
    }

    private void SetListed(DateTime time) => File.WriteAllText(Path.Combine(_folder.Cache, "size"), $"1000 {time.Ticks}");
}
