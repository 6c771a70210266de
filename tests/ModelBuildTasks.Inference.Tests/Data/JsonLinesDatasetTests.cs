using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Tests.Data;

[TestClass]
public sealed class JsonLinesDatasetTests
{
    [TestMethod]
    public void Reads_nested_arrays_numbers_and_labels()
    {
        using TemporaryFolder folder = new();
        folder.Write("data.jsonl", """
            {"x": [[1, 2], [3, 4]], "k": 9, "label": 1}

            {"x": [[5, 6], [7, 8]], "k": 10, "label": 0}
            """);

        Dataset dataset = folder.Open("data.jsonl", TemporaryFolder.Input("N", 2, 2), new TensorSignature("k", ElementType.Int64, [1]));
        Sample last = dataset.Read().Last();

        Assert.AreEqual(2, dataset.Count);
        CollectionAssert.AreEqual(new float[] { 5, 6, 7, 8 }, last.Inputs[0].ToSingles());
        Assert.AreEqual(10, last.Inputs[1].Span<long>()[0]);
        Assert.AreEqual(0, last.Label!.Span<long>()[0]);
    }

    [TestMethod]
    public void Fills_an_input_that_the_lines_lack()
    {
        using TemporaryFolder folder = new();
        folder.Write("data.jsonl", """{"x": [1, 2]}""");
        folder.Describe("""{ "inputs": { "sr": { "fill": 16000 }, "state": { "fill": 0 } } }""");

        Sample sample = folder.Open(
            "data.jsonl", TemporaryFolder.Input("N", 2), new TensorSignature("sr", ElementType.Int64, []), new TensorSignature("state", ElementType.Float, [2, "N", 4])).Read().Single();

        Assert.AreEqual(16000, sample.Inputs[1].Span<long>()[0]);
        CollectionAssert.AreEqual(new long[] { 2, 1, 4 }, sample.Inputs[2].Dimensions.ToArray());
        Assert.IsNull(sample.Label);
    }

    [TestMethod]
    [DataRow("{\"x\": [1, 2]", "not JSON")]
    [DataRow("{\"x\": [[1], [2, 3]]}", "equal lengths")]
    [DataRow("[1, 2]", "not an object")]
    public void Names_the_line_that_is_malformed(string line, string expected)
    {
        using TemporaryFolder folder = new();
        folder.Write("data.jsonl", "{\"x\": [1, 2]}\n" + line + "\n");

        string message = TemporaryFolder.Fails(DatasetError.Corrupt, () => folder.Open("data.jsonl", TemporaryFolder.Input("N", 2)).Read().ToArray()).Message;

        StringAssert.Contains(message, "(2)");
        StringAssert.Contains(message, expected);
    }

    [TestMethod]
    public void Reads_lines_longer_than_its_first_buffer()
    {
        using TemporaryFolder folder = new();
        folder.Write("data.jsonl", $$"""{"x": [{{string.Join(",", Enumerable.Repeat("0.25", 100_000))}}]}""");

        Assert.AreEqual(0.25f, folder.Open("data.jsonl", TemporaryFolder.Input("N", 100_000)).Read().Single().Inputs[0].ToSingles()[^1]);
    }

    [TestMethod]
    [DataRow("""{"x": [1, 2], "slice": {"camera": 1}}""", "a JSON Object")]
    [DataRow("""{"x": [1, 2], "slice": [1]}""", "a JSON Array")]
    [DataRow("""{"x": [1, 2], "slice": true}""", "a JSON True")]
    [DataRow("""{"x": [1, 2], "slice": 3.5}""", "data.jsonl(1): the slice is 3.5")]
    public void A_slice_that_is_neither_a_text_nor_a_whole_number_is_refused(string line, string found)
    {
        using TemporaryFolder folder = new();
        folder.Write("data.jsonl", line);

        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.DoesNotFit, () => folder.Open("data.jsonl", TemporaryFolder.Input("N", 2))).Message, found);
    }

    [TestMethod]
    [DataRow("""{"x": [1, 2], "label": "\ud800"}""")]
    [DataRow("""{"x": [1, 2], "slice": "\ud800"}""")]
    public void Half_of_a_surrogate_pair_is_refused(string line)
    {
        using TemporaryFolder folder = new();
        folder.Write("data.jsonl", line);

        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.Corrupt, () => folder.Open("data.jsonl", TemporaryFolder.Input("N", 2))).Message, "(1)");
    }

    [TestMethod]
    [DataRow("""{"x": [1, 2], "label": 1}""", """{"x": [1, 2]}""", "(2)", "(1)")]
    [DataRow("""{"x": [1, 2]}""", """{"x": [1, 2], "label": 1}""", "(1)", "(2)")]
    public void Labels_on_some_lines_only_are_refused(string first, string second, string without, string with)
    {
        using TemporaryFolder folder = new();
        folder.Write("data.jsonl", first + "\n" + second + "\n");

        string message = TemporaryFolder.Fails(DatasetError.Corrupt, () => folder.Open("data.jsonl", TemporaryFolder.Input("N", 2))).Message;

        StringAssert.Contains(message, "data.jsonl" + without);
        StringAssert.Contains(message, "line " + with.Trim('(', ')'));
    }

    [TestMethod]
    public void A_label_that_the_description_names_must_be_there()
    {
        using TemporaryFolder folder = new();
        folder.Write("data.jsonl", """{"x": [1, 2], "label": 1}""");
        folder.Describe("""{ "labels": "answer" }""");

        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.DoesNotFit, () => folder.Open("data.jsonl", TemporaryFolder.Input("N", 2))).Message, "'answer'");
    }

    [TestMethod]
    public void A_byte_order_mark_is_passed_over()
    {
        using TemporaryFolder folder = new();
        folder.Write("data.jsonl", "\ufeff{\"x\": [1, 2], \"label\": 1}\r\n");
        folder.Describe("\ufeff{ \"scale\": 2 }");

        CollectionAssert.AreEqual(new float[] { 2, 4 }, folder.Open("data.jsonl", TemporaryFolder.Input("N", 2)).Read().Single().Inputs[0].ToSingles());
    }

    [TestMethod]
    public void Fractions_make_every_label_a_number()
    {
        using TemporaryFolder folder = new();
        folder.Write("data.jsonl", """
            {"x": [1, 2], "label": 2}
            {"x": [3, 4], "label": 2.5}
            """);

        Sample[] samples = [.. folder.Open("data.jsonl", TemporaryFolder.Input("N", 2)).Read()];

        Assert.AreEqual(ElementType.Float, samples[0].Label!.ElementType);
        CollectionAssert.AreEqual(new[] { 2, 2.5f }, samples.Select(sample => sample.Label!.ToSingles()[0]).ToArray());
    }
}
