using ModelBuildTasks.Contracts.Caching;

namespace ModelBuildTasks.Contracts.Tests.Caching;

[TestClass]
public sealed class StoreContentsTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void Lists_entries_with_their_artifacts()
    {
        _folder.Put(1);
        _folder.Put(2);

        var contents = StoreContents.Read(_folder.Cache);

        CollectionAssert.AreEquivalent(new[] { StoreFolder.Key(1), StoreFolder.Key(2) }, contents.Entries.Select(entry => entry.Entry!.Key).ToArray());
        Assert.HasCount(2, contents.Artifacts);
        Assert.IsGreaterThan(2000, contents.Bytes);
    }

    [TestMethod]
    public void A_missing_folder_is_empty_and_is_not_made()
    {
        var contents = StoreContents.Read(_folder.Cache);

        Assert.IsEmpty(contents.Entries);
        Assert.IsEmpty(contents.Verify());
        Assert.AreEqual(0, contents.Clear());
        Assert.IsFalse(Directory.Exists(_folder.Cache));
    }

    [TestMethod]
    public void Verifying_what_is_sound_finds_nothing_and_keeps_it()
    {
        _folder.Put(1);

        Assert.IsEmpty(StoreContents.Read(_folder.Cache).Verify());
        Assert.IsNotNull(_folder.Get(1));
    }

    [TestMethod]
    public void Verifying_names_and_removes_what_is_damaged_and_keeps_the_rest()
    {
        File.WriteAllText(_folder.ArtifactOf(_folder.Put(1)), "damaged");
        File.Delete(_folder.ArtifactOf(_folder.Put(2)));
        _folder.Put(3);
        File.WriteAllText(_folder.EntryOf(3), "damaged");
        _folder.Put(4);

        var faults = StoreContents.Read(_folder.Cache).Verify();

        Assert.HasCount(3, faults);
        Assert.IsTrue(faults.All(fault => !File.Exists(fault.Path)));
        Assert.IsNull(_folder.Get(1));
        Assert.IsNotNull(_folder.Get(4));
        Assert.IsEmpty(StoreContents.Read(_folder.Cache).Verify());
    }

    [TestMethod]
    public void Clearing_deletes_what_is_ours_and_nothing_else()
    {
        _folder.Put(1);
        var stranger = Path.Combine(_folder.Cache, "ac", "readme.txt");
        File.WriteAllText(stranger, "not ours");
        var contents = StoreContents.Read(_folder.Cache);

        Assert.AreEqual(contents.Bytes, contents.Clear());

        Assert.IsNull(_folder.Get(1));
        Assert.IsTrue(File.Exists(stranger));
        Assert.IsEmpty(StoreContents.Read(_folder.Cache).Artifacts);
    }
}
