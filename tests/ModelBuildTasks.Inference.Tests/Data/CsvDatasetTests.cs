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

    [TestMethod]
    [DataRow("a;b;target\n1,5;-0,25;1e-1\n", new[] { 1.5f, -0.25f })]
    [DataRow("a;b;target\n1.5;2;0.5\n", new[] { 1.5f, 2 })]
    [DataRow("a\tb\ttarget\n1.5\t2\t0.5\n", new[] { 1.5f, 2 })]
    public void Decimals_are_read_with_the_comma_of_files_with_semicolons_and_with_points(string text, float[] expected)
    {
        using TemporaryFolder folder = new();
        folder.Write("data.csv", text);

        CollectionAssert.AreEqual(expected, folder.Open("data.csv", TemporaryFolder.Input("N", 2)).Read().Single().Inputs[0].ToSingles());
    }

    [TestMethod]
    public void A_label_with_a_decimal_comma_is_a_number()
    {
        using TemporaryFolder folder = new();
        folder.Write("data.csv", "x;target\n1;0,5\n1;2\n");

        Sample[] samples = [.. folder.Open("data.csv", TemporaryFolder.Input("N", 1)).Read()];

        CollectionAssert.AreEqual(new[] { 0.5f, 2 }, samples.Select(sample => sample.Label!.ToSingles()[0]).ToArray());
    }

    [TestMethod]
    [DataRow("a,b\n\"1,234\",2\n", "'1,234'")]
    [DataRow("a\tb\n1,5\t2\n", "'1,5'")]
    [DataRow("a;b\n1.234,5;2\n", "'1.234,5'")]
    [DataRow("a;b\n1,234,567;2\n", "'1,234,567'")]
    public void Separators_of_thousands_are_refused(string text, string expected)
    {
        using TemporaryFolder folder = new();
        folder.Write("data.csv", text);

        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.Corrupt, () => folder.Open("data.csv", TemporaryFolder.Input("N", 2))).Message, expected);
    }

    [TestMethod]
    public void A_file_with_decimal_points_and_decimal_commas_is_refused()
    {
        using TemporaryFolder folder = new();
        folder.Write("data.csv", "a;b\n1,5;2\n1.500;2\n");
        Dataset dataset = folder.Open("data.csv", TemporaryFolder.Input("N", 2));

        string message = TemporaryFolder.Fails(DatasetError.Corrupt, () => dataset.Read().ToArray()).Message;

        StringAssert.Contains(message, "line 3, column 'a': '1.500'");
        StringAssert.Contains(message, "decimal comma");
    }

    [TestMethod]
    public void Two_columns_that_may_be_the_label_need_a_word_of_the_description()
    {
        using TemporaryFolder folder = new();
        folder.Write("data.csv", "a,label,target\n1,0,2.5\n");

        string message = TemporaryFolder.Fails(DatasetError.DoesNotFit, () => folder.Open("data.csv", TemporaryFolder.Input("N", "width"))).Message;

        StringAssert.Contains(message, "label, target");
        StringAssert.Contains(message, "\"labels\"");
    }

    [TestMethod]
    public void A_column_named_like_a_label_feeds_an_input_only_where_the_description_says_so()
    {
        using TemporaryFolder folder = new();
        folder.Write("data.csv", "a,label,target\n1,0,2.5\n");
        folder.Describe("""{ "labels": "label" }""");

        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.DoesNotFit, () => folder.Open("data.csv", TemporaryFolder.Input("N", "width"))).Message, "\"columns\"");

        folder.Describe("""{ "labels": "label", "inputs": { "x": { "columns": ["a", "target"] } } }""");
        CollectionAssert.AreEqual(new[] { 1, 2.5f }, folder.Open("data.csv", TemporaryFolder.Input("N", 2)).Read().Single().Inputs[0].ToSingles());
    }

    [TestMethod]
    public void Columns_of_one_name_are_refused()
    {
        using TemporaryFolder folder = new();
        folder.Write("data.csv", "a,b,a\n1,2,3\n");

        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.Corrupt, () => folder.Open("data.csv", TemporaryFolder.Input("N", 3))).Message, "'a'");
    }
}
