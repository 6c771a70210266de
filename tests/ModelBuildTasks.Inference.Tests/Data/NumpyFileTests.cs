using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Tests.Data;

[TestClass]
public sealed class NumpyFileTests
{
    private static readonly TensorSignature[] TwoInputs = [new("a", ElementType.Float, ["N", 2]), new("b", ElementType.Int64, ["N"])];

    [TestMethod]
    public void Reads_arrays_of_an_archive_by_the_names_of_the_inputs()
    {
        using TemporaryFolder folder = new();
        folder.WriteNpz(
            "data.npz",
            ("b", TemporaryFolder.Npy<short>("<i2", "(2,)", [7, 8])),
            ("a", TemporaryFolder.Npy<double>("<f8", "(2, 2)", [1, 2, 3, 4])),
            ("labels", TemporaryFolder.Npy<long>("<i8", "(2,)", [0, 5])));

        Sample second = folder.Open("data.npz", TwoInputs).Read().Last();

        CollectionAssert.AreEqual(new float[] { 3, 4 }, second.Inputs[0].ToSingles());
        CollectionAssert.AreEqual(new long[] { 8 }, second.Inputs[1].Span<long>().ToArray());
        Assert.AreEqual(5, second.Label!.Span<long>()[0]);
    }

    [TestMethod]
    public void Names_the_arrays_that_are_there_when_one_is_missing()
    {
        using TemporaryFolder folder = new();
        folder.WriteNpz("data.npz", ("a", TemporaryFolder.Npy<float>("<f4", "(1, 2)", [1, 2])), ("c", TemporaryFolder.Npy<float>("<f4", "(1,)", [1])));

        string message = TemporaryFolder.Fails(DatasetError.DoesNotFit, () => folder.Open("data.npz", TwoInputs)).Message;

        StringAssert.Contains(message, "'b'");
        StringAssert.Contains(message, "a, c");
    }

    [TestMethod]
    public void Reads_one_array_file_per_input_from_a_folder()
    {
        using TemporaryFolder folder = new();
        folder.Write("a.npy", TemporaryFolder.Npy<float>("<f4", "(1, 2)", [1, 2]));
        folder.Write("b.npy", TemporaryFolder.Npy<int>("<i4", "(1,)", [3]));
        folder.Write("labels.npy", TemporaryFolder.Npy<float>("<f4", "(1, 3)", [0.5f, 0, 1]));

        Sample sample = folder.Open(".", TwoInputs).Read().Single();

        CollectionAssert.AreEqual(new[] { 0.5f, 0, 1 }, sample.Label!.ToSingles());
    }

    [TestMethod]
    public void Says_what_was_expected_when_shapes_differ()
    {
        using TemporaryFolder folder = new();
        folder.Write("x.npy", TemporaryFolder.Npy<float>("<f4", "(1, 3, 2)", new float[6]));

        string message = TemporaryFolder.Fails(DatasetError.DoesNotFit, () => folder.Open("x.npy", TemporaryFolder.Input("N", 2, 3))).Message;

        StringAssert.Contains(message, "'x' expects Float[N, 2, 3]");
        StringAssert.Contains(message, "[3, 2]");
    }

    [TestMethod]
    public void Refuses_fractions_for_integer_inputs()
    {
        using TemporaryFolder folder = new();
        folder.Write("x.npy", TemporaryFolder.Npy<float>("<f4", "(1, 1)", [0.5f]));

        StringAssert.Contains(
            TemporaryFolder.Fails(DatasetError.DoesNotFit, () => folder.Open("x.npy", new TensorSignature("x", ElementType.Int32, ["N", 1]))).Message, "0.5 is not a whole number");
    }

    [TestMethod]
    [DataRow("|O", "(1,)", false)]
    [DataRow("<f4", "(1000000000000,)", false)]
    [DataRow("<f4", "(-1,)", false)]
    [DataRow("<f4", "(2, 2)", true)]
    [DataRow("<f4", "()", false)]
    public void Refuses_arrays_that_are_no_rows_of_numbers(string type, string shape, bool fortran)
    {
        using TemporaryFolder folder = new();
        folder.Write("x.npy", TemporaryFolder.Npy<float>(type, shape, [1, 2, 3, 4], fortran));

        TemporaryFolder.Fails(DatasetError.Corrupt, () => folder.Open("x.npy", TemporaryFolder.Input("N", 2)));
    }

    [TestMethod]
    public void Refuses_an_archive_that_is_no_zip_file()
    {
        using TemporaryFolder folder = new();
        folder.Write("x.npz", "not a zip archive, whatever its name says");

        TemporaryFolder.Fails(DatasetError.Corrupt, () => folder.Open("x.npz", TemporaryFolder.Input("N", 2)));
    }

    [TestMethod]
    public void Ignores_entries_with_paths_that_lead_out()
    {
        using TemporaryFolder folder = new();
        folder.WriteNpz("x.npz", ("../../x", TemporaryFolder.Npy<float>("<f4", "(1, 1)", [1])), ("x", TemporaryFolder.Npy<float>("<f4", "(1, 1)", [2])));

        Assert.AreEqual(2f, folder.Open("x.npz", TemporaryFolder.Input("N", 1)).Read().Single().Inputs[0].ToSingles()[0]);
        Assert.HasCount(1, Directory.GetFiles(folder.Path));
    }
}
