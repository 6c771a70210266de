using ModelBuildTasks.Contracts.Locking;

namespace ModelBuildTasks.Contracts.Tests.Locking;

[TestClass]
public sealed class LockUpdates : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lock ü ").FullName;

    private string FilePath => Path.Combine(_folder, "models.lock.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    public void Keeps_what_others_wrote_and_writes_nothing_that_is_there_already()
    {
        Assert.IsTrue(Set("digits", "cpu-x64"));
        Assert.IsTrue(Set("digits", "cpu"));
        Assert.IsFalse(Set("digits", "cpu"));

        CollectionAssert.AreEqual(new[] { "cpu", "cpu-x64" }, ModelLock.Read(FilePath).Entries.Select(entry => entry.Target).ToArray());
        CollectionAssert.AreEqual(new[] { FilePath }, Directory.GetFiles(_folder));
    }

    [TestMethod]
    public void Builds_that_write_at_the_same_time_lose_nothing()
    {
        string[] models = [.. Enumerable.Range(0, 24).Select(i => $"model{i:00}")];

        Parallel.ForEach(models, new ParallelOptions { MaxDegreeOfParallelism = 8 }, model => Set(model, "cpu"));

        CollectionAssert.AreEqual(models, ModelLock.Read(FilePath).Entries.Select(entry => entry.Model).ToArray());
    }

    [TestMethod]
    public void A_model_goes_with_its_last_target()
    {
        var file = new ModelLock();
        file.Set("digits", "cpu", Locked.Entry());
        file.Remove("digits", "cpu");

        Assert.DoesNotContain("digits", file.ToJson());
    }

    [TestMethod]
    public void A_broken_file_is_left_as_it_is()
    {
        File.WriteAllText(FilePath, "<<<<<<< HEAD\n");

        Assert.ThrowsExactly<InvalidDataException>(() => Set("digits", "cpu"));

        Assert.AreEqual("<<<<<<< HEAD\n", File.ReadAllText(FilePath));
    }

    private bool Set(string model, string target) => ModelLock.Update(FilePath, file => file.Set(model, target, Locked.Entry()), CancellationToken.None);
}
