using ModelBuildTasks.Inference.Data;

namespace ModelBuildTasks.Inference.Tests.Data;

[TestClass]
public sealed class ObservedDatasetTests
{
    [TestMethod]
    public void Each_sample_is_shown_once_whoever_reads_it()
    {
        using TemporaryFolder folder = new();
        folder.Write("x.npy", TemporaryFolder.Npy("<f4", "(6, 1)", new float[] { 0, 1, 2, 3, 4, 5 }));
        List<(int, float)> seen = [];
        ObservedDataset observed = new(folder.Open("x.npy", TemporaryFolder.Input("N", 1)), (index, sample) => seen.Add((index, sample.Inputs[0].ToSingles()[0])));

        int drawn = observed.Take(3, seed: 1).Read().Count();
        Assert.HasCount(3, seen);
        int all = observed.Read().Count();
        observed.ReadRest();

        Assert.AreEqual((3, 6), (drawn, all));
        CollectionAssert.AreEquivalent(Enumerable.Range(0, 6).Select(i => (i, (float)i)).ToArray(), seen);
    }

    [TestMethod]
    public void What_nobody_read_is_read_at_the_end()
    {
        using TemporaryFolder folder = new();
        folder.Write("x.npy", TemporaryFolder.Npy("<f4", "(3, 1)", new float[] { 0, 1, 2 }));
        List<int> seen = [];
        ObservedDataset observed = new(folder.Open("x.npy", TemporaryFolder.Input("N", 1)), (index, _) => seen.Add(index));

        Assert.AreEqual(1, observed.Read().First().Inputs[0].ToSingles().Length);
        observed.ReadRest();

        CollectionAssert.AreEqual(new[] { 0, 1, 2 }, seen);
    }

    [TestMethod]
    public void Samples_are_named_by_their_files_through_a_split()
    {
        using TemporaryFolder folder = new();
        folder.WritePng("a/1.png", 1, 1, 0, 0, 0);
        folder.WritePng("b/2.png", 1, 1, 0, 0, 0);
        Dataset images = folder.Open(".", TemporaryFolder.Input("N", 3, 1, 1));

        (Dataset drawn, Dataset others) = new ObservedDataset(images, (_, _) => { }).Part(1);

        CollectionAssert.AreEquivalent(new[] { "a/1.png", "b/2.png" }, new[] { drawn.NameOf(0), others.NameOf(0) });
    }
}
