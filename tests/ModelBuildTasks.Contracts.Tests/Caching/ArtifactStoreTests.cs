using ModelBuildTasks.Contracts.Caching;

namespace ModelBuildTasks.Contracts.Tests.Caching;

[TestClass]
public sealed class ArtifactStoreTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [TestMethod]
    public void An_artifact_of_several_keys_is_kept_once_and_found_by_each()
    {
        var artifact = Path.Combine(_folder.Folder, "made.onnx");
        File.WriteAllBytes(artifact, [1, 2, 3]);
        string[] keys = [ContentDigest.OfText("one"), ContentDigest.OfText("other")];

        _folder.Store.Store(keys, artifact, [4]);

        foreach (var key in keys)
        {
            CollectionAssert.AreEqual(new byte[] { 4 }, _folder.Store.TryRestore(key, _folder.Restored));
        }

        Assert.HasCount(1, Directory.GetFiles(Path.Combine(_folder.Cache, "cas"), "*", SearchOption.AllDirectories));
    }

    [TestMethod]
    public void Gives_back_the_artifact_and_the_description()
    {
        var artifact = _folder.Put(1);

        Assert.AreEqual("about 1", _folder.Get(1));
        CollectionAssert.AreEqual(artifact, File.ReadAllBytes(_folder.Restored));
    }

    [TestMethod]
    public void Has_nothing_under_another_key()
    {
        _folder.Put(1);

        Assert.IsNull(_folder.Get(2));
        Assert.IsFalse(File.Exists(_folder.Restored));
    }

    [TestMethod]
    public void Replaces_an_entry()
    {
        _folder.Put(1);
        var newer = _folder.Put(1, content: 7);

        Assert.AreEqual("about 1", _folder.Get(1));
        CollectionAssert.AreEqual(newer, File.ReadAllBytes(_folder.Restored));
    }

    [TestMethod]
    public void Two_keys_share_one_artifact()
    {
        _folder.Put(1, content: 7);
        _folder.Put(2, content: 7);

        Assert.AreEqual("about 1", _folder.Get(1));
        Assert.AreEqual("about 2", _folder.Get(2));
        Assert.HasCount(1, Directory.GetFiles(Path.Combine(_folder.Cache, "cas"), "*", SearchOption.AllDirectories));
    }

    [TestMethod]
    public void External_data_is_copied_once_whoever_stores_it_again()
    {
        var artifact = Path.Combine(_folder.Folder, "model.onnx");
        var data = Path.Combine(_folder.Folder, "named-by-what-it-holds.data");
        File.WriteAllBytes(data, [1, 2, 3]);
        _folder.Store.StoreData(artifact, Path.GetFileName(data));
        File.WriteAllBytes(data, [4]);

        _folder.Store.StoreData(artifact, Path.GetFileName(data));

        Assert.IsTrue(_folder.Store.TryRestoreData(artifact, Path.GetFileName(data)));
        CollectionAssert.AreEqual(new byte[] { 1, 2, 3 }, File.ReadAllBytes(data));
    }

    [TestMethod]
    public void Leaves_no_temporary_file()
    {
        _folder.Put(1);
        _folder.Get(1);

        Assert.IsEmpty(Directory.GetFiles(_folder.Folder, "*.tmp", SearchOption.AllDirectories));
    }

    [TestMethod]
    public void A_restored_artifact_has_the_present_as_its_time_and_replaces_what_was_there()
    {
        var artifact = _folder.Put(1);
        StoreFolder.Age(TimeSpan.FromDays(30), _folder.ArtifactOf(artifact));
        Directory.CreateDirectory(Path.GetDirectoryName(_folder.Restored)!);
        File.WriteAllText(_folder.Restored, "older");

        _folder.Get(1);

        CollectionAssert.AreEqual(artifact, File.ReadAllBytes(_folder.Restored));
        Assert.IsGreaterThan(DateTime.UtcNow.AddHours(-1), File.GetLastWriteTimeUtc(_folder.Restored));
    }

    [TestMethod]
    public void Restoring_counts_as_use()
    {
        _folder.Put(1);
        StoreFolder.Age(TimeSpan.FromDays(30), _folder.EntryOf(1));

        _folder.Get(1);

        Assert.IsGreaterThan(DateTime.UtcNow.AddHours(-1), File.GetLastWriteTimeUtc(_folder.EntryOf(1)));
    }

    [TestMethod]
    [DataRow("changed", DisplayName = "other bytes of the same length")]
    [DataRow("short", DisplayName = "a part")]
    [DataRow("long", DisplayName = "more")]
    [DataRow("empty", DisplayName = "nothing")]
    public void A_damaged_artifact_is_deleted_and_a_miss(string damage)
    {
        var artifact = _folder.Put(1);
        var path = _folder.ArtifactOf(artifact);
        File.WriteAllBytes(path, damage switch { "changed" => [.. artifact[..^1], 9], "short" => artifact[..^1], "long" => [.. artifact, 0], _ => [] });

        Assert.IsNull(_folder.Get(1));
        Assert.IsFalse(File.Exists(_folder.Restored));
        Assert.IsFalse(File.Exists(path));
        Assert.IsFalse(File.Exists(_folder.EntryOf(1)));
    }

    [TestMethod]
    public void A_damaged_artifact_is_mended_by_storing_it_again()
    {
        var artifact = _folder.Put(1);
        File.WriteAllBytes(_folder.ArtifactOf(artifact), [.. artifact[..^1], 9]);

        _folder.Put(2, content: 1);

        Assert.AreEqual("about 2", _folder.Get(2));
    }

    [TestMethod]
    public void A_missing_artifact_is_a_miss()
    {
        File.Delete(_folder.ArtifactOf(_folder.Put(1)));

        Assert.IsNull(_folder.Get(1));
        Assert.IsFalse(File.Exists(_folder.EntryOf(1)));
    }

    [TestMethod]
    public void A_description_with_any_other_byte_is_deleted_and_a_miss()
    {
        _folder.Put(1);
        var entry = File.ReadAllBytes(_folder.EntryOf(1));
        for (var position = 0; position < entry.Length; position++)
        {
            byte[] damaged = [.. entry];
            damaged[position] ^= 1;
            File.WriteAllBytes(_folder.EntryOf(1), damaged);

            Assert.IsNull(_folder.Get(1), $"byte {position}");
            Assert.IsFalse(File.Exists(_folder.EntryOf(1)));
        }
    }

    [TestMethod]
    public void An_entry_does_not_stand_in_for_another()
    {
        _folder.Put(1);
        Directory.CreateDirectory(Path.GetDirectoryName(_folder.EntryOf(2))!);
        File.Copy(_folder.EntryOf(1), _folder.EntryOf(2));

        Assert.IsNull(_folder.Get(2));
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("../../../../etc/passwd")]
    [DataRow("AB0123456789AB0123456789AB0123456789AB0123456789AB0123456789ABCD")]
    [DataRow("ab0123456789")]
    public void A_key_that_is_no_hash_is_refused(string key)
    {
        Assert.ThrowsExactly<ArgumentException>(() => _folder.Store.TryRestore(key, _folder.Restored));
        Assert.ThrowsExactly<ArgumentException>(() => _folder.Store.Store(key, _folder.Restored, []));
        Assert.ThrowsExactly<ArgumentException>(() => _folder.Store.Lock(key, CancellationToken.None));
    }

    [TestMethod]
    public void A_folder_that_cannot_be_made_holds_nothing_and_stops_nobody()
    {
        File.WriteAllText(_folder.Cache, "a file where the folder should be");

        Assert.IsNull(_folder.Store.Lock(StoreFolder.Key(1), CancellationToken.None));
        _folder.Put(1);
        Assert.IsNull(_folder.Get(1));
    }

    [TestMethod]
    public async Task Many_writers_and_readers_of_one_key_at_once_never_see_a_part()
    {
        var lengths = Enumerable.Range(1, 8).Select(number => 200_000 + number).ToArray();
        await Task.WhenAll(lengths.Select(length => Task.Run(() =>
        {
            var made = Path.Combine(_folder.Folder, $"{length}.onnx");
            var restored = Path.Combine(_folder.Folder, $"{length}.restored");
            File.WriteAllBytes(made, new byte[length]);
            for (var round = 0; round < 10; round++)
            {
                _folder.Store.Store(StoreFolder.Key(1), made, []);
                if (_folder.Store.TryRestore(StoreFolder.Key(1), restored) is not null)
                {
                    Assert.Contains((int)new FileInfo(restored).Length, lengths);
                }
            }
        })));

        Assert.IsNotNull(_folder.Get(1));
        Assert.IsEmpty(Directory.GetFiles(_folder.Folder, "*.tmp", SearchOption.AllDirectories));
    }

    [TestMethod]
    public void The_default_folder_is_the_user_s_own()
    {
        Assert.AreEqual("modelbuild", Path.GetFileName(ArtifactStore.DefaultDirectory));
        Assert.IsTrue(Path.IsPathRooted(ArtifactStore.DefaultDirectory));
    }
}
