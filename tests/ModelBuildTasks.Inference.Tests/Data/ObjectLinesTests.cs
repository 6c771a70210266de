using ModelBuildTasks.Inference.Data;

namespace ModelBuildTasks.Inference.Tests.Data;

[TestClass]
public sealed class ObjectLinesTests
{
    private const string Declaration = """{ "detection": { "boxes": "rows", "objects": "objects.jsonl" } }""";

    [TestMethod]
    public void Each_line_holds_the_objects_of_a_sample()
    {
        using TemporaryFolder folder = Folder("[[1, 2, 3, 4, 0], [5, 6, 7.5, 8, 2]]\n[]\n[[9, 9, 10, 10, 1]]\n");

        Dataset dataset = folder.Open("", TemporaryFolder.Input("N", 2));
        Sample[] samples = [.. dataset.Read()];

        Assert.IsTrue(dataset.HasLabels);
        CollectionAssert.AreEqual(new float[] { 1, 2, 3, 4, 0, 5, 6, 7.5f, 8, 2 }, samples[0].Label!.ToSingles());
        CollectionAssert.AreEqual(new long[] { 0, 5 }, samples[1].Label!.Dimensions.ToArray());
        CollectionAssert.AreEqual(new float[] { 3, 4 }, samples[1].Inputs[0].ToSingles());
        CollectionAssert.Contains(dataset.Files.ToArray(), folder["objects.jsonl"]);
    }

    [TestMethod]
    public void Samples_that_are_drawn_keep_their_objects()
    {
        using TemporaryFolder folder = Folder(string.Join('\n', Enumerable.Range(0, 3).Select(i => $"[[0, 0, 1, 1, {i}]]")));
        Dataset dataset = folder.Open("", TemporaryFolder.Input("N", 2));

        (Dataset drawn, Dataset others) = dataset.Part(1);

        foreach (Sample sample in drawn.Read().Concat(others.Read()))
        {
            Assert.AreEqual((sample.Inputs[0].ToSingles()[0] - 1) / 2, sample.Label!.ToSingles()[4]);
        }

        Assert.IsNotNull(drawn.Scoring.Detection);
    }

    [TestMethod]
    [DataRow("[[1, 2, 3, 4]]", "an object has 4 numbers")]
    [DataRow("[[1, 2, 3, 4, \"cat\"]]", "not an array of objects")]
    [DataRow("{\"boxes\": []}", "not an array of objects")]
    [DataRow("[[1, 2", "not an array of objects")]
    [DataRow("[7]", "not an array of objects")]
    public void Names_the_line_that_is_malformed(string line, string expected)
    {
        using TemporaryFolder folder = Folder($"[]\n{line}\n[]\n");

        string message = TemporaryFolder.Fails(DatasetError.Corrupt, () => folder.Open("", TemporaryFolder.Input("N", 2)).Read().ToArray()).Message;

        Assert.Contains("objects.jsonl(2)", message);
        Assert.Contains(expected, message);
    }

    [TestMethod]
    public void Another_number_of_lines_than_samples_is_an_error_that_tells_both() =>
        Assert.Contains("of 2 samples, one a line", Fails("[]\n[]\n", DatasetError.Corrupt));

    [TestMethod]
    public void A_missing_file_is_not_found()
    {
        using TemporaryFolder folder = Folder("[]\n");
        File.Delete(folder["objects.jsonl"]);

        TemporaryFolder.Fails(DatasetError.NotFound, () => folder.Open("", TemporaryFolder.Input("N", 2)));
    }

    private static string Fails(string lines, DatasetError error)
    {
        using TemporaryFolder folder = Folder(lines);
        return TemporaryFolder.Fails(error, () => folder.Open("", TemporaryFolder.Input("N", 2))).Message;
    }

    private static TemporaryFolder Folder(string lines)
    {
        TemporaryFolder folder = new();
        folder.Write("x.npy", TemporaryFolder.Npy("<f4", "(3, 2)", new float[] { 1, 2, 3, 4, 5, 6 }));
        folder.Write("objects.jsonl", lines);
        folder.Describe(Declaration);
        return folder;
    }
}
