using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Tests.Data;

[TestClass]
public sealed class LabelsTests
{
    [TestMethod]
    public void Lines_of_numbers_that_are_not_all_whole_are_what_the_model_should_give()
    {
        using TemporaryFolder folder = new();
        folder.Write("labels.txt", "\ufeff1\n-2.5e1\n\n");

        Sample[] samples = Open(folder);

        Assert.AreEqual(ElementType.Float, samples[0].Label!.ElementType);
        CollectionAssert.AreEqual(new[] { 1, -25f }, samples.Select(sample => sample.Label!.ToSingles()[0]).ToArray());
    }

    [TestMethod]
    public void Whole_lines_are_class_indices()
    {
        using TemporaryFolder folder = new();
        folder.Write("labels.txt", "3\n16777217\n");

        CollectionAssert.AreEqual(new[] { 3L, 16_777_217 }, Open(folder).Select(sample => sample.Label!.Span<long>()[0]).ToArray());
    }

    [TestMethod]
    public void A_line_that_is_no_label_is_named()
    {
        using TemporaryFolder folder = new();
        folder.Write("labels.txt", "0.5\n\n1,000\n");

        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.Corrupt, () => Open(folder)).Message, "line 3: '1,000'");
    }

    [TestMethod]
    public void Large_indices_keep_their_last_digit_in_arrays_too()
    {
        Tensor label = Labels.From(Tensor.Vector(16_777_217L, 3), "labels.npy");

        CollectionAssert.AreEqual(new[] { 16_777_217L, 3 }, label.Span<long>().ToArray());
    }

    [TestMethod]
    public void A_label_beyond_64_bits_is_an_error() =>
        StringAssert.Contains(TemporaryFolder.Fails(DatasetError.DoesNotFit, () => Labels.From(Tensor.Vector(ulong.MaxValue), "labels.npy")).Message, "labels.npy");

    private static Sample[] Open(TemporaryFolder folder)
    {
        folder.Write("x.npy", TemporaryFolder.Npy("<f4", "(2, 1)", new float[] { 1, 2 }));
        folder.Describe("""{ "labels": "labels.txt" }""");
        return [.. folder.Open("x.npy", TemporaryFolder.Input("N", 1)).Read()];
    }
}
