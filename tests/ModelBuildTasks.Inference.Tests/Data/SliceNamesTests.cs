using System.Text;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Tests.Data;

[TestClass]
public sealed class SliceNamesTests
{
    [TestMethod]
    [DataRow("slice", "")]
    [DataRow("camera", """{ "slices": "camera" }""")]
    public void A_column_of_a_table_names_the_slice(string column, string description)
    {
        using TemporaryFolder folder = new();
        folder.Write("data.csv", $"a,b,{column},label\n1,2,night,0\n3,4,,1\n");
        Describe(folder, description);

        Sample[] samples = [.. folder.Open("data.csv", TemporaryFolder.Input("N", 2)).Read()];

        AssertSlices(samples, "night", null);
        CollectionAssert.AreEqual(new float[] { 3, 4 }, samples[1].Inputs[0].ToSingles());
    }

    [TestMethod]
    public void A_property_of_JSON_lines_names_the_slice()
    {
        using TemporaryFolder folder = new();
        folder.Write("data.jsonl", "{\"x\": 1, \"slice\": \"de\"}\n{\"x\": 2, \"slice\": 7}\n{\"x\": 3}\n");

        AssertSlices(folder.Open("data.jsonl", TemporaryFolder.Input("N", 1)).Read(), "de", "7", null);
    }

    [TestMethod]
    public void An_input_of_that_name_is_no_slice_unless_the_description_says_so()
    {
        using TemporaryFolder folder = new();
        folder.Write("data.jsonl", "{\"slice\": 7}\n");
        TensorSignature input = TemporaryFolder.Input("N", 1) with { Name = "slice" };

        AssertSlices(folder.Open("data.jsonl", input).Read(), [null]);
        folder.Describe("""{ "slices": "slice" }""");
        AssertSlices(folder.Open("data.jsonl", input).Read(), "7");
    }

    [TestMethod]
    public void A_text_of_that_name_that_is_tokenized_is_no_slice()
    {
        using TemporaryFolder folder = new();
        folder.Write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n");
        folder.Write("data.jsonl", "{\"slice\": \"a\"}\n");
        folder.Write("data.jsonl.json", """{ "tokenizer": { "vocabulary": "vocab.txt", "text": "slice" } }""");

        AssertSlices(folder.Open("data.jsonl", new TensorSignature("input_ids", ElementType.Int64, [1, 3])).Read(), [null]);
    }

    [TestMethod]
    [DataRow("slices", "{}", null)]
    [DataRow("slices", """{ "slices": "slices" }""", "3")]
    [DataRow("x", """{ "inputs": { "x": { "data": "slices" } } }""", null)]
    public void An_array_that_feeds_an_input_names_no_slices_unless_the_description_says_so(string input, string description, string? expected)
    {
        using TemporaryFolder folder = new();
        folder.WriteNpz("data.npz", ("slices", TemporaryFolder.Npy("<i8", "(1,)", new long[] { 3 })));
        folder.Describe(description);

        AssertSlices(folder.Open("data.npz", new TensorSignature(input, ElementType.Float, ["N", 1])).Read(), expected);
    }

    [TestMethod]
    public void An_array_of_whole_numbers_beside_others_names_slices()
    {
        using TemporaryFolder folder = new();
        folder.WriteNpz("data.npz", ("x", TemporaryFolder.Npy("<f4", "(2, 1)", new float[] { 1, 2 })), ("slices", TemporaryFolder.Npy("<i8", "(2,)", new long[] { 3, 4 })));

        AssertSlices(folder.Open("data.npz", TemporaryFolder.Input("N", 1)).Read(), "3", "4");
    }

    [TestMethod]
    public void An_array_that_the_description_names_is_found_through_the_folder()
    {
        using TemporaryFolder folder = new();
        folder.WriteNpz("data.npz", ("x", TemporaryFolder.Npy("<f4", "(2, 1)", new float[] { 1, 2 })), ("camera", TemporaryFolder.Npy("<i8", "(2,)", new long[] { 3, 4 })));
        folder.Describe("""{ "slices": "camera" }""");

        AssertSlices(folder.Open(".", TemporaryFolder.Input("N", 1)).Read(), "3", "4");
    }

    [TestMethod]
    [DataRow("<U5", false)]
    [DataRow(">U5", true)]
    public void An_array_of_texts_names_slices(string type, bool isBigEndian)
    {
        using TemporaryFolder folder = new();
        Encoding encoding = new UTF32Encoding(isBigEndian, byteOrderMark: false);
        byte[] texts = [.. encoding.GetBytes("Nähe\0"), .. encoding.GetBytes("fern\0")];
        folder.WriteNpz("data.npz", ("x", TemporaryFolder.Npy("<f4", "(2, 1)", new float[] { 1, 2 })), ("slices", TemporaryFolder.Npy(type, "(2,)", texts)));

        AssertSlices(folder.Open("data.npz", TemporaryFolder.Input("N", 1)).Read(), "Nähe", "fern");
    }

    [TestMethod]
    public void A_file_beside_an_array_names_slices_of_a_split_too()
    {
        using TemporaryFolder folder = new();
        folder.Write("x.npy", TemporaryFolder.Npy("<f4", "(4, 1)", new float[] { 0, 1, 2, 3 }));
        folder.Write("slices.npy", TemporaryFolder.Npy("|S2", "(4,)", "a\0b\0c\0d\0"u8.ToArray()));
        folder.Describe("""{ "split": { "from": 0.5, "to": 1 } }""");

        foreach (Sample sample in folder.Open("x.npy", TemporaryFolder.Input("N", 1)).Read())
        {
            Assert.AreEqual("abcd"[(int)sample.Inputs[0].ToSingles()[0]].ToString(), sample.Slice);
        }

        Assert.AreEqual(2, folder.Open(".", TemporaryFolder.Input("N", 1)).Count);
    }

    [TestMethod]
    public void A_text_file_names_a_slice_a_line()
    {
        using TemporaryFolder folder = new();
        folder.Write("x.idx", TemporaryFolder.Idx(8, [3, 1], 1, 2, 3));
        folder.Write("x.txt", "red\n\nblue\n");
        folder.Describe("""{ "slices": "x.txt" }""");

        AssertSlices(folder.Open("x.idx", TemporaryFolder.Input("N", 1)).Read(), "red", null, "blue");
    }

    [TestMethod]
    public void A_list_names_slices_of_images_in_folders_of_classes()
    {
        using TemporaryFolder folder = new();
        folder.WritePng("0/a.png", 1, 1, 0, 0, 0);
        folder.WritePng("1/b.png", 1, 1, 0, 0, 0);
        folder.Write("cameras.csv", "file,slice\n1/b.png,indoor\n");
        folder.Describe("""{ "slices": "cameras.csv" }""");

        Dataset dataset = folder.Open(".", TemporaryFolder.Input("N", 3, 1, 1));

        AssertSlices(dataset.Read(), null, "indoor");
        CollectionAssert.Contains(dataset.Files.ToArray(), folder["cameras.csv"]);
    }

    [TestMethod]
    public void The_list_of_labels_may_name_slices_too()
    {
        using TemporaryFolder folder = new();
        folder.WritePng("a.png", 1, 1, 0, 0, 0);
        folder.Write("list.csv", "file,label,slice\na.png,3,indoor\n");
        folder.Describe("""{ "labels": "list.csv" }""");

        AssertSlices(folder.Open(".", TemporaryFolder.Input("N", 3, 1, 1)).Read(), "indoor");
    }

    [TestMethod]
    public void What_names_no_slices_is_refused()
    {
        using TemporaryFolder folder = new();
        folder.Write("data.csv", $"a,slice\n1,{new string('x', 101)}\n");
        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.Corrupt, () => folder.Open("data.csv", TemporaryFolder.Input("N", 1))).Message, "at most 100");

        folder.Describe("""{ "slices": "c" }""");
        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.DoesNotFit, () => folder.Open("data.csv", TemporaryFolder.Input("N", 1))).Message, "no column 'c'");

        folder.WriteNpz("a.npz", ("x", TemporaryFolder.Npy("<f4", "(1, 1)", new float[] { 1 })));
        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.DoesNotFit, () => folder.Open("a.npz", TemporaryFolder.Input("N", 1))).Message, "no array 'c' with slices");

        folder.Describe("""{ "slices": "s" }""");
        folder.WriteNpz("a.npz", ("x", TemporaryFolder.Npy("<f4", "(1, 1)", new float[] { 1 })), ("s", TemporaryFolder.Npy("<f4", "(1,)", new float[] { 1 })));
        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.DoesNotFit, () => folder.Open("a.npz", TemporaryFolder.Input("N", 1))).Message, "a text or a whole number");
    }

    [TestMethod]
    public void Texts_feed_no_input()
    {
        using TemporaryFolder folder = new();
        folder.Write("x.npy", TemporaryFolder.Npy("|S2", "(1,)", "a\0"u8.ToArray()));

        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.DoesNotFit, () => folder.Open("x.npy", TemporaryFolder.Input("N", 2))).Message, "holds texts");
    }

    private static void Describe(TemporaryFolder folder, string description)
    {
        if (description.Length > 0)
        {
            folder.Describe(description);
        }
    }

    private static void AssertSlices(IEnumerable<Sample> samples, params string?[] expected) =>
        CollectionAssert.AreEqual(expected, samples.Select(sample => sample.Slice).ToArray());
}
