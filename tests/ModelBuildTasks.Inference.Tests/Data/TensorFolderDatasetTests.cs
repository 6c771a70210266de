using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Tests.Data;

[TestClass]
public sealed class TensorFolderDatasetTests
{
    // TensorProto: dims (1), data_type (2) and raw_data (9), written by hand after onnx.proto.
    private static byte[] Proto(byte type, byte[] dimensions, params byte[] raw) =>
        [.. dimensions.SelectMany(size => new byte[] { 0x08, size }), 0x10, type, 0x4A, (byte)raw.Length, .. raw];

    [TestMethod]
    public void Reads_each_folder_as_one_sample_in_numeric_order()
    {
        using TemporaryFolder folder = new();
        foreach (int set in new[] { 10, 2 })
        {
            folder.Write($"test_data_set_{set}/input_0.pb", Proto(1, [1, 1], BitConverter.GetBytes((float)set)));
            folder.Write($"test_data_set_{set}/output_0.pb", Proto(1, [1, 1], BitConverter.GetBytes(set + 0.5f)));
        }

        Sample[] samples = [.. folder.Open(".", TemporaryFolder.Input("N", 1)).Read()];

        CollectionAssert.AreEqual(new float[] { 2, 10 }, samples.Select(sample => sample.Inputs[0].ToSingles()[0]).ToArray());
        Assert.AreEqual(10.5f, samples[1].Label!.ToSingles()[0]);
    }

    [TestMethod]
    public void Tensors_of_bfloat16_are_cast_to_what_the_input_takes()
    {
        using TemporaryFolder folder = new();
        folder.Write("test_data_set_0/input_0.pb", Proto(16, [1, 1], 0xC0, 0x3F));

        Assert.AreEqual(1.5f, folder.Open(".", TemporaryFolder.Input("N", 1)).Read().Single().Inputs[0].Span<float>()[0]);
    }

    [TestMethod]
    public void A_label_of_bfloat16_is_a_number_and_no_class()
    {
        using TemporaryFolder folder = new();
        folder.Write("test_data_set_0/input_0.pb", Proto(1, [1, 1], BitConverter.GetBytes(1f)));
        folder.Write("test_data_set_0/output_0.pb", Proto(16, [1, 1], 0xC0, 0x3F));

        Assert.AreEqual(1.5f, folder.Open(".", TemporaryFolder.Input("N", 1)).Read().Single().Label!.Span<float>()[0]);
    }

    [TestMethod]
    public void Reports_a_tensor_that_is_cut_off()
    {
        using TemporaryFolder folder = new();
        folder.Write("test_data_set_0/input_0.pb", Proto(1, [1, 1], 0, 0, 128, 63)[..^2]);

        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.Corrupt, () => folder.Open(".", TemporaryFolder.Input("N", 1))).Message, "input_0.pb");
    }

    [TestMethod]
    public void Names_the_input_without_a_tensor()
    {
        using TemporaryFolder folder = new();
        folder.Write("test_data_set_0/input_0.pb", Proto(1, [1, 1], 0, 0, 128, 63));

        StringAssert.Contains(
            TemporaryFolder.Fails(DatasetError.DoesNotFit, () => folder.Open(".", TemporaryFolder.Input("N", 1), new TensorSignature("mask", ElementType.Float, [1]))).Message, "'mask'");
    }

    [TestMethod]
    public void Labels_in_some_folders_only_are_refused()
    {
        using TemporaryFolder folder = new();
        foreach (int set in new[] { 0, 1, 2 })
        {
            folder.Write($"test_data_set_{set}/input_0.pb", Proto(1, [1, 1], BitConverter.GetBytes(1f)));
        }

        folder.Write("test_data_set_1/output_0.pb", Proto(1, [1, 1], BitConverter.GetBytes(1f)));

        string message = TemporaryFolder.Fails(DatasetError.Corrupt, () => folder.Open(".", TemporaryFolder.Input("N", 1))).Message;

        StringAssert.Contains(message, "test_data_set_0");
        StringAssert.Contains(message, "test_data_set_1");
    }

    [TestMethod]
    [DataRow("""{ "scale": "1/255" }""", "'scale'")]
    [DataRow("""{ "mean": 1, "std": 2 }""", "'mean', 'std'")]
    [DataRow("""{ "inputs": { "x": { "layout": "NHWC" } } }""", "'layout'")]
    [DataRow("""{ "labels": "labels.npy" }""", "'labels'")]
    [DataRow("""{ "slices": "slices.npy" }""", "'slices'")]
    public void What_would_change_whole_tensors_is_refused(string description, string expected)
    {
        using TemporaryFolder folder = new();
        folder.Write("test_data_set_0/input_0.pb", Proto(1, [1, 1], BitConverter.GetBytes(1f)));
        folder.Describe(description);

        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.Description, () => folder.Open(".", TemporaryFolder.Input("N", 1))).Message, expected);
    }
}
