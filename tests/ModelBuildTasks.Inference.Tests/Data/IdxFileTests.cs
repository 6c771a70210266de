using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Tests.Data;

[TestClass]
public sealed class IdxFileTests
{
    [TestMethod]
    public void Reads_gzipped_bytes_with_the_labels_that_lie_beside_them()
    {
        using TemporaryFolder folder = new();
        folder.Write("t10k-images-idx3-ubyte.gz", TemporaryFolder.Gzip(TemporaryFolder.Idx(0x08, [2, 2, 2], 1, 2, 3, 4, 5, 6, 7, 8)));
        folder.Write("t10k-labels-idx1-ubyte.gz", TemporaryFolder.Gzip(TemporaryFolder.Idx(0x08, [2], 9, 3)));

        Dataset dataset = folder.Open("t10k-images-idx3-ubyte.gz", TemporaryFolder.Input("N", 1, 2, 2));
        Sample[] samples = [.. dataset.Read()];

        Assert.AreEqual(2, dataset.Count);
        Assert.IsTrue(dataset.HasLabels);
        CollectionAssert.AreEqual(new long[] { 1, 1, 2, 2 }, samples[1].Inputs[0].Dimensions.ToArray());
        CollectionAssert.AreEqual(new float[] { 5, 6, 7, 8 }, samples[1].Inputs[0].ToSingles());
        Assert.AreEqual(3, samples[1].Label!.Span<long>()[0]);
    }

    [TestMethod]
    public void Swaps_big_endian_elements_and_casts_them_to_the_input()
    {
        using TemporaryFolder folder = new();
        folder.Write("tokens.idx", TemporaryFolder.Idx(0x0B, [1, 3], 0x01, 0x00, 0x00, 0x02, 0xFF, 0xFF));

        Sample sample = folder.Open("tokens.idx", new TensorSignature("bytes", ElementType.Int32, ["N", 3])).Read().Single();

        CollectionAssert.AreEqual(new[] { 256, 2, -1 }, sample.Inputs[0].Span<int>().ToArray());
    }

    [TestMethod]
    public void Does_not_allocate_what_the_header_only_claims()
    {
        using TemporaryFolder folder = new();
        folder.Write("huge.idx", TemporaryFolder.Idx(0x0D, [int.MaxValue, int.MaxValue, int.MaxValue], 1, 2, 3, 4));

        DatasetException exception = TemporaryFolder.Fails(DatasetError.Corrupt, () => folder.Open("huge.idx", TemporaryFolder.Input("N", 4)));

        StringAssert.Contains(exception.Message, "holds at most 4 bytes");
    }

    [TestMethod]
    public void Reports_a_gzip_stream_that_ends_early()
    {
        using TemporaryFolder folder = new();
        byte[] random = new byte[4000];
        new Random(1).NextBytes(random);
        folder.Write("cut.idx.gz", TemporaryFolder.Gzip(TemporaryFolder.Idx(0x08, [1, 4000], random))[..3000]);

        TemporaryFolder.Fails(DatasetError.Corrupt, () => folder.Open("cut.idx.gz", TemporaryFolder.Input("N", 4000)));
    }

    [TestMethod]
    public void Rejects_labels_of_another_count()
    {
        using TemporaryFolder folder = new();
        folder.Write("images.idx", TemporaryFolder.Idx(0x08, [2, 1], 1, 2));
        folder.Write("labels.idx", TemporaryFolder.Idx(0x08, [1], 1));

        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.Corrupt, () => folder.Open("images.idx", TemporaryFolder.Input("N", 1))).Message, "holds 1 records");
    }

    [TestMethod]
    public void Skips_records_that_are_not_asked_for()
    {
        using TemporaryFolder folder = new();
        folder.Write("x.idx.gz", TemporaryFolder.Gzip(TemporaryFolder.Idx(0x08, [100, 1], [.. Enumerable.Range(0, 100).Select(i => (byte)i)])));
        Dataset dataset = folder.Open("x.idx.gz", TemporaryFolder.Input("N", 1));

        float[] all = [.. dataset.Read().Select(sample => sample.Inputs[0].ToSingles()[0])];
        float[] some = [.. dataset.Take(10, seed: 3).Read().Select(sample => sample.Inputs[0].ToSingles()[0])];

        Assert.HasCount(10, some);
        CollectionAssert.IsSubsetOf(some, all);
        CollectionAssert.AreEqual(some, dataset.Take(10, seed: 3).Read().Select(sample => sample.Inputs[0].ToSingles()[0]).ToArray());
        CollectionAssert.AreNotEqual(some, dataset.Take(10, seed: 4).Read().Select(sample => sample.Inputs[0].ToSingles()[0]).ToArray());
    }

    [TestMethod]
    public void Parts_into_the_drawn_samples_and_all_others()
    {
        using TemporaryFolder folder = new();
        folder.Write("x.idx.gz", TemporaryFolder.Gzip(TemporaryFolder.Idx(0x08, [100, 1], [.. Enumerable.Range(0, 100).Select(i => (byte)i)])));
        Dataset dataset = folder.Open("x.idx.gz", TemporaryFolder.Input("N", 1));

        (Dataset drawn, Dataset others) = dataset.Part(30);

        float[] parts = [.. drawn.Read().Concat(others.Read()).Select(sample => sample.Inputs[0].ToSingles()[0])];
        Assert.AreEqual((30, 70), (drawn.Count, others.Count));
        CollectionAssert.AreEquivalent(Enumerable.Range(0, 100).Select(i => (float)i).ToArray(), parts);
    }
}
