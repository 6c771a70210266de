using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Tests.Data;

[TestClass]
public sealed class CsvDatasetTests
{
    [TestMethod]
    public void All_columns_but_the_label_feed_the_only_input()
    {
        using TemporaryFolder folder = new();
        folder.Write("data.csv", "a,label,b\n1,2,3.5\n4,0,\"6\"\n");

        Sample[] samples = [.. folder.Open("data.csv", TemporaryFolder.Input("N", 2)).Read()];

        CollectionAssert.AreEqual(new[] { 1, 3.5f }, samples[0].Inputs[0].ToSingles());
        CollectionAssert.AreEqual(new float[] { 4, 6 }, samples[1].Inputs[0].ToSingles());
        Assert.AreEqual(2, samples[0].Label!.Span<long>()[0]);
    }

    [TestMethod]
    public void The_description_maps_columns_and_class_names()
    {
        using TemporaryFolder folder = new();
        folder.Write("data.csv", "species,w,h\ncat,1,2\ndog,3,4\n");
        folder.Describe("""{ "labels": "species", "classes": ["dog", "cat"], "inputs": { "x": { "columns": ["h", "w"] } } }""");

        Sample[] samples = [.. folder.Open("data.csv", TemporaryFolder.Input("N", 2)).Read()];

        CollectionAssert.AreEqual(new float[] { 2, 1 }, samples[0].Inputs[0].ToSingles());
        Assert.AreEqual(1, samples[0].Label!.Span<long>()[0]);
        Assert.AreEqual(0, samples[1].Label!.Span<long>()[0]);
    }

    [TestMethod]
    public void Fractions_make_every_label_a_number()
    {
        using TemporaryFolder folder = new();
        folder.Write("data.csv", "x,target\n1,2\n1,2.5\n");

        Sample first = folder.Open("data.csv", TemporaryFolder.Input("N", 1)).Read().First();

        Assert.AreEqual(ElementType.Float, first.Label!.ElementType);
    }

    [TestMethod]
    public void Names_line_and_column_of_a_word_among_numbers()
    {
        using TemporaryFolder folder = new();
        folder.Write("data.csv", "a,b\n1,2\n1,oops\n");
        Dataset dataset = folder.Open("data.csv", TemporaryFolder.Input("N", 2));

        string message = TemporaryFolder.Fails(DatasetError.Corrupt, () => dataset.Read().ToArray()).Message;

        StringAssert.Contains(message, "line 3, column 'b': 'oops'");
    }

    [TestMethod]
    public void Refuses_a_row_with_missing_fields()
    {
        using TemporaryFolder folder = new();
        folder.Write("data.csv", "a,b\n1\n");

        TemporaryFolder.Fails(DatasetError.Corrupt, () => folder.Open("data.csv", TemporaryFolder.Input("N", 2)));
    }

    [TestMethod]
    public void Refuses_a_table_without_rows()
    {
        using TemporaryFolder folder = new();
        folder.Write("data.csv", "a,b\n");

        TemporaryFolder.Fails(DatasetError.Empty, () => folder.Open("data.csv", TemporaryFolder.Input("N", 2)));
    }
}
