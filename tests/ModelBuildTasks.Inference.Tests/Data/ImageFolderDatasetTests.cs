using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Tests.Data;

[TestClass]
public sealed class ImageFolderDatasetTests
{
    private static readonly TensorSignature Image = TemporaryFolder.Input("N", 3, 2, 2);

    [TestMethod]
    public void Sub_folders_are_classes_in_ordinal_order()
    {
        using TemporaryFolder folder = new();
        folder.WritePng("dog/1.png", 2, 2, 10, 20, 30);
        folder.WritePng("cat/1.png", 2, 2, 40, 50, 60);

        Sample[] samples = [.. folder.Open(".", Image).Read()];

        CollectionAssert.AreEqual(new long[] { 0, 1 }, samples.Select(sample => sample.Label!.Span<long>()[0]).ToArray());
        CollectionAssert.AreEqual(new float[] { 40, 40, 40, 40, 50, 50, 50, 50, 60, 60, 60, 60 }, samples[0].Inputs[0].ToSingles());
    }

    [TestMethod]
    public void Folders_named_by_numbers_are_the_classes_of_these_numbers()
    {
        using TemporaryFolder folder = new();
        folder.WritePng("10/a.png", 2, 2, 1, 1, 1);
        folder.WritePng("9/a.png", 2, 2, 1, 1, 1);

        CollectionAssert.AreEqual(new long[] { 10, 9 }, folder.Open(".", Image).Read().Select(sample => sample.Label!.Span<long>()[0]).ToArray());
    }

    [TestMethod]
    public void Applies_size_channel_order_scale_mean_and_deviation()
    {
        using TemporaryFolder folder = new();
        folder.WritePng("a.png", 6, 4, 255, 0, 51);
        folder.Describe("""{ "color": "BGR", "scale": "1/255", "mean": [0.2, 0, 1], "std": 0.5 }""");

        Sample sample = folder.Open(".", Image).Read().Single();

        CollectionAssert.AreEqual(new float[] { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, sample.Inputs[0].ToSingles());
        Assert.IsNull(sample.Label);
    }

    [TestMethod]
    public void Serves_models_that_take_channels_last_and_bytes()
    {
        using TemporaryFolder folder = new();
        folder.WritePng("a.png", 2, 2, 1, 2, 3);

        Tensor tensor = folder.Open(".", new TensorSignature("x", ElementType.UInt8, [1, 2, 2, 3])).Read().Single().Inputs[0];

        CollectionAssert.AreEqual(new byte[] { 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3 }, tensor.Span<byte>().ToArray());
    }

    [TestMethod]
    public void Serves_gray_models()
    {
        using TemporaryFolder folder = new();
        folder.WritePng("a.png", 2, 2, 100, 100, 100);

        CollectionAssert.AreEqual(new float[] { 100, 100, 100, 100 }, folder.Open(".", TemporaryFolder.Input(1, 1, 2, 2)).Read().Single().Inputs[0].ToSingles());
    }

    [TestMethod]
    public void Labels_of_a_flat_folder_come_from_a_list()
    {
        using TemporaryFolder folder = new();
        folder.WritePng("a.png", 2, 2, 1, 1, 1);
        folder.WritePng("b.png", 2, 2, 2, 2, 2);
        folder.Write("list.csv", "file,label\nb.png,4\na.png,7\n");
        folder.Describe("""{ "labels": "list.csv" }""");

        Dataset dataset = folder.Open(".", Image);

        CollectionAssert.AreEqual(new long[] { 4, 7 }, dataset.Read().Select(sample => sample.Label!.Span<long>()[0]).ToArray());
        CollectionAssert.Contains(dataset.Files.ToArray(), folder["list.csv"]);
    }

    [TestMethod]
    public void Reports_a_damaged_image_by_its_file()
    {
        using TemporaryFolder folder = new();
        byte[] png = File.ReadAllBytes(folder.WritePng("a.png", 64, 64, 1, 2, 3));
        folder.Write("a.png", png[..(png.Length / 2)]);

        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.Corrupt, () => folder.Open(".", Image)).Message, "a.png");
    }

    [TestMethod]
    public void Does_not_decode_an_image_larger_than_its_file_can_hold()
    {
        using TemporaryFolder folder = new();
        byte[] png = File.ReadAllBytes(folder.WritePng("a.png", 2, 2, 1, 2, 3));
        (png[18], png[19], png[22], png[23]) = (0x3F, 0xFF, 0x3F, 0xFF);
        folder.Write("a.png", png);

        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.Corrupt, () => folder.Open(".", Image)).Message, "16383 × 16383");
    }

    [TestMethod]
    public void Says_that_a_table_model_takes_no_images()
    {
        using TemporaryFolder folder = new();
        folder.WritePng("a.png", 2, 2, 1, 2, 3);

        TemporaryFolder.Fails(DatasetError.DoesNotFit, () => folder.Open(".", TemporaryFolder.Input("N", 4)));
    }

    [TestMethod]
    public void Images_are_scaled_to_the_shorter_side_and_cut()
    {
        using TemporaryFolder folder = new();
        folder.WritePng("a.png", 8, 4, 7, 7, 7);
        folder.Describe("""{ "resizeTo": 3, "interpolation": "Bicubic" }""");

        CollectionAssert.AreEqual(Enumerable.Repeat(7f, 12).ToArray(), folder.Open(".", Image).Read().Single().Inputs[0].ToSingles());
    }

    [TestMethod]
    [DataRow("""{ "resizeTo": 1 }""", "make it larger")]
    [DataRow("""{ "resizeTo": 0 }""", "from 1 to")]
    [DataRow("""{ "resizeTo": 4, "resize": "Stretch" }""", "contradicts")]
    public void A_size_that_cannot_be_cut_is_refused(string description, string expected)
    {
        using TemporaryFolder folder = new();
        folder.WritePng("a.png", 8, 4, 7, 7, 7);
        folder.Describe(description);

        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.Description, () => folder.Open(".", Image)).Message, expected);
    }

    [TestMethod]
    public void Inputs_beside_the_image_are_filled()
    {
        using TemporaryFolder folder = new();
        folder.WritePng("a.png", 2, 2, 7, 7, 7);
        TensorSignature threshold = new("threshold", ElementType.Float, [1]);

        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.DoesNotFit, () => folder.Open(".", threshold, Image)).Message, "\"fill\"");
        folder.Describe("""{ "inputs": { "threshold": { "fill": 0.5 } } }""");
        Sample sample = folder.Open(".", threshold, Image).Read().Single();

        CollectionAssert.AreEqual(new float[] { 0.5f }, sample.Inputs[0].ToSingles());
        Assert.AreEqual(7, sample.Inputs[1].ToSingles()[11]);
    }

    [TestMethod]
    public void Images_beside_folders_of_classes_are_refused()
    {
        using TemporaryFolder folder = new();
        folder.WritePng("cat/1.png", 2, 2, 1, 1, 1);
        folder.WritePng("stray.png", 2, 2, 1, 1, 1);

        string message = TemporaryFolder.Fails(DatasetError.Corrupt, () => folder.Open(".", Image)).Message;

        StringAssert.Contains(message, "stray.png");
        StringAssert.Contains(message, "cat");
    }

    [TestMethod]
    public void Half_of_an_image_is_said_to_end_early()
    {
        using TemporaryFolder folder = new();
        string path = folder.WritePng("a.png", 64, 64, 1, 2, 3);
        byte[] whole = File.ReadAllBytes(path);
        folder.Write("a.png", whole[..(whole.Length / 2)]);

        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.Corrupt, () => folder.Open(".", Image)).Message, "ends early or is damaged");
    }
}
