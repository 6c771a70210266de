using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Tests.Data;

[TestClass]
public sealed class DatasetFormatsTests
{
    [TestMethod]
    public void A_missing_path_is_not_found()
    {
        using TemporaryFolder folder = new();

        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.NotFound, () => folder.Open("nowhere", TemporaryFolder.Input("N", 1))).Message, "nowhere");
    }

    [TestMethod]
    public void A_folder_without_data_is_of_unknown_format()
    {
        using TemporaryFolder folder = new();
        folder.Write("readme.txt", "nothing here");

        TemporaryFolder.Fails(DatasetError.UnknownFormat, () => folder.Open(".", TemporaryFolder.Input("N", 1)));
    }

    [TestMethod]
    public void A_folder_with_one_data_file_and_its_labels_is_that_file()
    {
        using TemporaryFolder folder = new();
        folder.Write("train_x.idx", TemporaryFolder.Idx(0x08, [1, 1], 3));
        folder.Write("train_y.idx", TemporaryFolder.Idx(0x08, [1], 4));

        Assert.AreEqual(4, folder.Open(".", TemporaryFolder.Input("N", 1)).Read().Single().Label!.Span<long>()[0]);
    }

    [TestMethod]
    public void A_folder_with_one_data_file_and_what_the_description_names_beside_it_is_that_file()
    {
        using TemporaryFolder folder = new();
        folder.Write("pixels.idx", TemporaryFolder.Idx(0x08, [1, 2], 3, 5));
        folder.Write("answers.idx", TemporaryFolder.Idx(0x08, [1], 4));
        folder.Write("cameras.idx", TemporaryFolder.Idx(0x08, [1], 6));
        folder.Write("widths.idx", TemporaryFolder.Idx(0x08, [1], 1));
        folder.Describe("""{ "labels": "answers.idx", "slices": "cameras.idx", "widths": "widths.idx", "layout": "NCHW", "inputLayout": "NCHW" }""");

        Sample sample = folder.Open(".", TemporaryFolder.Input("N", 1, 1, 2)).Read().Single();

        Assert.AreEqual((4, "6"), (sample.Label!.Span<long>()[0], sample.Slice));
        CollectionAssert.AreEqual(new float[] { 3, 0 }, sample.Inputs[0].ToSingles());
    }

    [TestMethod]
    public void Several_data_files_need_a_choice()
    {
        using TemporaryFolder folder = new();
        folder.Write("a.csv", "x\n1\n");
        folder.Write("b.csv", "x\n2\n");

        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.UnknownFormat, () => folder.Open(".", TemporaryFolder.Input("N", 1))).Message, "a.csv, b.csv");
        folder.Describe("""{ "data": "b.csv" }""");
        Assert.AreEqual(2f, folder.Open(".", TemporaryFolder.Input("N", 1)).Read().Single().Inputs[0].ToSingles()[0]);
    }

    [TestMethod]
    public void A_description_may_stand_for_the_data()
    {
        using TemporaryFolder folder = new();
        folder.Write("numbers/all.csv", "x\n" + string.Join("\n", Enumerable.Range(0, 10)));
        folder.Write("calibration.json", """{ "data": "numbers/all.csv", "split": { "from": 0, "to": 0.3 } }""");
        folder.Write("evaluation.json", """{ "data": "numbers/all.csv", "split": { "from": 0.3, "to": 1 } }""");

        float[] Values(string name) => [.. folder.Open(name, TemporaryFolder.Input("N", 1)).Read().Select(sample => sample.Inputs[0].ToSingles()[0])];
        float[] calibration = Values("calibration.json");
        float[] evaluation = Values("evaluation.json");

        Assert.HasCount(3, calibration);
        CollectionAssert.AreEquivalent(Enumerable.Range(0, 10).Select(i => (float)i).ToArray(), calibration.Concat(evaluation).ToArray());
    }

    [TestMethod]
    public void Knows_every_file_that_the_samples_depend_on()
    {
        using TemporaryFolder folder = new();
        folder.Write("images.idx", TemporaryFolder.Idx(0x08, [1, 1], 3));
        folder.Write("labels.idx", TemporaryFolder.Idx(0x08, [1], 4));
        folder.Write("images.idx.json", """{ "scale": "1/3" }""");

        CollectionAssert.AreEqual(
            new[] { folder["images.idx"], folder["images.idx.json"], folder["labels.idx"] }, folder.Open("images.idx", TemporaryFolder.Input("N", 1)).Files.ToArray());
    }

    [TestMethod]
    [DataRow("{ \"sclae\": 1 }", "sclae")]
    [DataRow("{ \"scale\": \"1/0\" }", "scale")]
    [DataRow("{ \"limit\": 0 }", "limit")]
    [DataRow("{ \"split\": { \"from\": 0.5, \"to\": 0.2 } }", "split")]
    [DataRow("{ \"std\": [1, 0] }", "std")]
    [DataRow("not json", "not a valid data set description")]
    public void A_wrong_description_names_its_field(string json, string expected)
    {
        using TemporaryFolder folder = new();
        folder.Write("a.csv", "x\n1\n");
        folder.Describe(json);

        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.Description, () => folder.Open("a.csv", TemporaryFolder.Input("N", 1))).Message, expected);
    }

    [TestMethod]
    public void A_description_of_another_file_is_not_applied()
    {
        using TemporaryFolder folder = new();
        folder.Write("a.csv", "x\n1\n");
        folder.Write("b.csv", "x\n2\n");
        folder.Describe("""{ "data": "b.csv", "scale": 10 }""");

        Assert.AreEqual(1f, folder.Open("a.csv", TemporaryFolder.Input("N", 1)).Read().Single().Inputs[0].ToSingles()[0]);
    }
}
