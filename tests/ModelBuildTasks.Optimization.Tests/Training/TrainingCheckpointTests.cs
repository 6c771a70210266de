using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class TrainingCheckpointTests
{
    private readonly string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName(), "training");

    [TestCleanup]
    public void Remove() => Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);

    [TestMethod]
    public void Brings_back_what_was_saved()
    {
        float[][] loaded = [new float[2], new float[1]];
        new TrainingCheckpoint(path, "a").Save([1, double.PositiveInfinity], [[1.5f, 2], [3]]);

        double[]? numbers = new TrainingCheckpoint(path, "a").TryLoad(2, loaded);

        CollectionAssert.AreEqual(new[] { 1, double.PositiveInfinity }, numbers);
        CollectionAssert.AreEqual(new[] { 1.5f, 2 }, loaded[0]);
        CollectionAssert.AreEqual(new[] { 3f }, loaded[1]);
    }

    [TestMethod]
    public void Is_of_no_use_to_another_training()
    {
        new TrainingCheckpoint(path, "a").Save([1], [[1f]]);

        Assert.IsNull(new TrainingCheckpoint(path, "b").TryLoad(1, [new float[1]]));
        Assert.IsNull(new TrainingCheckpoint(path, "a").TryLoad(1, [new float[2]]));
    }

    [TestMethod]
    public void A_damaged_file_changes_nothing()
    {
        new TrainingCheckpoint(path, "a").Save([1], [[1f]]);
        byte[] bytes = File.ReadAllBytes(path);
        float[] untouched = [7];
        for (int at = 0; at < bytes.Length; at++)
        {
            byte[] damaged = [.. bytes];
            damaged[at] ^= 0x10;
            File.WriteAllBytes(path, damaged);
            Assert.IsNull(new TrainingCheckpoint(path, "a").TryLoad(1, [untouched]), $"byte {at}");
            File.WriteAllBytes(path, bytes[..at]);
            Assert.IsNull(new TrainingCheckpoint(path, "a").TryLoad(1, [untouched]), $"cut at {at}");
        }

        Assert.AreEqual(7f, untouched[0]);
    }

    [TestMethod]
    public void What_cannot_be_written_ends_no_training()
    {
        Directory.CreateDirectory(path);
        TrainingCheckpoint checkpoint = new(path, "a");

        checkpoint.Save([1], [[1f]]);

        Assert.IsNull(checkpoint.TryLoad(1, [new float[1]]));
        Assert.IsEmpty(Directory.GetFiles(Path.GetDirectoryName(path)!), "nothing is left behind");
        checkpoint.Delete();
    }
}
