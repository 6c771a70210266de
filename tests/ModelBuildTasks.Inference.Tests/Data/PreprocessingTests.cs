using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Inference.Tests.Data;

[TestClass]
public sealed class PreprocessingTests
{
    private static readonly TensorSignature Image = TemporaryFolder.Input("N", 3, 32, 24);

    [TestMethod]
    public void Mean_and_deviation_become_one_product_and_one_sum()
    {
        Preprocessing wanted = Load("""{ "scale": 0.5, "mean": [1, 2, 3], "std": 4 }""", Image).Single();

        CollectionAssert.AreEqual(new[] { 0.125, 0.125, 0.125 }, wanted.Factors.ToArray());
        CollectionAssert.AreEqual(new[] { -0.25, -0.5, -0.75 }, wanted.Offsets.ToArray());
    }

    [TestMethod]
    public void Statements_about_all_inputs_are_not_about_tokens()
    {
        TensorSignature tokens = new("ids", ElementType.Int64, ["N", 16]);

        Assert.AreEqual("x", Load("""{ "scale": "1/255" }""", tokens, Image).Single().Input.Name);
    }

    [TestMethod]
    [DataRow(ElementType.Float16)]
    [DataRow(ElementType.BFloat16)]
    public void Statements_about_all_inputs_are_about_those_of_16_bits(ElementType type) =>
        Assert.AreEqual("y", Load("""{ "scale": "1/255" }""", new TensorSignature("y", type, ["N", 16])).Single().Input.Name);

    [TestMethod]
    public void An_input_that_is_filled_is_left_alone() =>
        Assert.AreEqual("x", Load("""{ "scale": 2, "inputs": { "rate": { "fill": 16000 } } }""", Image, new TensorSignature("rate", ElementType.Float, [1])).Single().Input.Name);

    [TestMethod]
    [DataRow("""{ "inputs": { "ids": { "scale": 2 } } }""", "input 'ids' takes Int64")]
    [DataRow("""{ "inputs": { "y": { "scale": 2 } } }""", "'inputs' names 'y'; the model's inputs are x, ids")]
    [DataRow("""{ "limit": 3 }""", "states no 'scale', 'mean', 'std', 'color', 'resize' or 'resizeTo'")]
    [DataRow("""{ "scale": 2, "widths": "widths.npy" }""", "'widths' says where each sample of a data set ends")]
    [DataRow("""{ "mean": [1, 2] }""", "'mean' or 'std' has 2 numbers, and it has 3 channels")]
    [DataRow("""{ "resizeTo": 30 }""", "'resizeTo' is 30 pixels, from which 32 × 24 are to be cut")]
    [DataRow("""{ "resize": "Crop", "elementType": "Float" }""", "images are resized in 8 bits")]
    [DataRow("""{ "resize": "Crop", "imageSize": [64, 64] }""", "'imageSize' is 64 × 64, and the model fixes 32 × 24")]
    [DataRow("""{ "inputLayout": "NHWC", "scale": 2 }""", "'inputLayout' is Nhwc, which would be 24 channels")]
    [DataRow("""{ "color": "Gray" }""", "'color' is Gray, and it has 3 channels")]
    [DataRow("""{ "mean": 1e300 }""", "leave no numbers of single precision")]
    [DataRow("""{ "scale": 0 }""", "leave no numbers of single precision")]
    [DataRow("""{ "std": 1e-320 }""", "leave no numbers of single precision")]
    [DataRow("""{ "scale": "NaN/1" }""", "'scale' is a number or a quotient")]
    [DataRow("""{ "scale": 1e400 }""", "'scale' is a number or a quotient")]
    [DataRow("""{ "mean": [1e400, 1, 1] }""", "'mean' and 'std' are a number or an array of numbers")]
    [DataRow("""{ "scale": 1, "inputs": { "x": null } }""", "'inputs.x' is null")]
    public void What_a_graph_cannot_do_is_refused_with_the_reason(string description, string reason) =>
        Assert.Contains(reason, Refusal(description, Image, new TensorSignature("ids", ElementType.Int64, ["N", 16])));

    [TestMethod]
    [DataRow("""{ "color": "BGR" }""")]
    [DataRow("""{ "mean": [1, 2, 3] }""")]
    public void Three_axes_are_an_image_only_where_that_is_said(string description) =>
        Assert.Contains("state \"inputLayout\"", Refusal(description, TemporaryFolder.Input(3, 32, 24)));

    [TestMethod]
    public void The_layout_of_images_says_nothing_of_a_table() =>
        Assert.IsNull(Load("""{ "scale": 2, "inputLayout": "NCHW" }""", TemporaryFolder.Input("N", 64)).Single().Order);

    [TestMethod]
    public void The_same_description_serves_a_table_and_its_model()
    {
        const string Description = """{ "scale": 2, "inputLayout": "NHWC", "elementType": "Float" }""";
        TensorSignature table = TemporaryFolder.Input("N", 2);
        using TemporaryFolder folder = new();
        folder.Write("data.csv", "a,b\n1,2\n");
        folder.Describe(Description);

        Tensor row = folder.Open("data.csv", table with { Preprocessing = Preprocessing.FromMetadata(Preprocessing.ToMetadata(Load(Description, table)))["x"] }).Read().Single().Inputs[0];

        CollectionAssert.AreEqual(new float[] { 1, 2 }, row.Span<float>().ToArray());
    }

    [TestMethod]
    [DataRow("rubbish")]
    [DataRow("{}")]
    [DataRow("""{ "inputs": { "x": null } }""")]
    [DataRow("""{ "inputs": { "x": { "imageSize": [1] } } }""")]
    [DataRow("""{ "inputs": { "x": { "inputLayout": "Nchw" } } }""")]
    [DataRow("""{ "inputs": { "x": { "imageSize": [5, 5], "resize": "Stretch" } } }""")]
    public void A_model_that_says_nonsense_of_its_inputs_is_refused(string metadata)
    {
        Model model = Model.Create("g", 13, 7);
        model.Graph.AddOutput(model.Graph.Add("Identity", model.Graph.AddInput("x", new TensorType(ElementType.Float, "N", 4))));
        model.Metadata[Preprocessing.MetadataKey] = metadata;

        Assert.Contains(Preprocessing.MetadataKey, Assert.ThrowsExactly<InferenceException>(() => ModelSession.Open(model)).Message);
    }

    [TestMethod]
    public void An_image_of_open_size_needs_one_to_be_resized_to()
    {
        TensorSignature open = TemporaryFolder.Input("N", 3, "height", "width");

        Assert.Contains("state \"imageSize\"", Refusal("""{ "resize": "Stretch" }""", open));
        Assert.AreEqual(40, Load("""{ "resize": "Stretch", "imageSize": [40, 50] }""", open).Single().Resizing!.Height);
    }

    [TestMethod]
    public void Blue_green_and_red_are_three_channels() =>
        Assert.Contains("'color' is Bgr, and it has 1 channels", Refusal("""{ "color": "BGR" }""", TemporaryFolder.Input("N", 1, 32, 24)));

    [TestMethod]
    [DataRow("""{ "scale": "1/128" }""", "'scale' is 0.0078125 here, and 0.003921569 in the model")]
    [DataRow("""{ "mean": 2 }""", "'mean' is 2 here, and 0 in the model")]
    [DataRow("""{ "color": "BGR" }""", "'color' is Bgr here, and Rgb in the model")]
    [DataRow("""{ "widths": "widths.npy" }""", "'widths' clears columns")]
    public void A_data_set_that_says_otherwise_is_an_error(string description, string reason)
    {
        using TemporaryFolder folder = new();
        folder.WritePng("a.png", 24, 32, 10, 20, 30);
        folder.Describe(description);

        Assert.Contains(reason, TemporaryFolder.Fails(DatasetError.Description, () => folder.Open(".", Done("""{ "scale": "1/255" }"""))).Message);
    }

    [TestMethod]
    [DataRow("""{ "scale": "1/255" }""", """{ "scale": "1/255" }""")]
    [DataRow("""{ "scale": "1/255" }""", """{ "scale": "1/255", "mean": 0, "std": [1, 1, 1], "color": "RGB" }""")]
    [DataRow("""{ "scale": "1/255" }""", """{ "scale": 0.003921569 }""")]
    [DataRow("""{ "mean": [0.5, 0.5, 0.5] }""", """{ "mean": 0.5 }""")]
    [DataRow("""{ "resizeTo": 40 }""", """{ "resizeTo": 40, "resize": "Crop", "interpolation": "Bilinear" }""")]
    public void A_data_set_that_means_the_same_gives_what_is_stored(string model, string data)
    {
        using TemporaryFolder folder = new();
        folder.WritePng("a.png", 24, 32, 10, 20, 30);
        folder.Describe(data);

        Tensor image = folder.Open(".", Done(model)).Read().Single().Inputs[0];

        CollectionAssert.AreEqual(new byte[] { 10, 20, 30 }, image.Span<byte>()[..3].ToArray());
    }

    [TestMethod]
    public void Images_keep_their_size_where_the_model_resizes_them()
    {
        using TemporaryFolder folder = new();
        folder.WritePng("a.png", 50, 60, 10, 20, 30);
        TensorSignature input = Done("""{ "resize": "Crop" }""") with { Shape = ["N", "height", "width", 3] };

        CollectionAssert.AreEqual(new long[] { 1, 60, 50, 3 }, folder.Open(".", input).Read().Single().Inputs[0].Dimensions.ToArray());
    }

    [TestMethod]
    public void A_flat_record_whose_sizes_are_open_does_not_fit()
    {
        using TemporaryFolder folder = new();
        folder.Write("data.npy", TemporaryFolder.Npy("|u1", "(1, 12)", new byte[12]));
        TensorSignature input = Done("""{ "scale": 2 }""") with { Shape = ["N", 2, "width", 3] };

        TemporaryFolder.Fails(DatasetError.DoesNotFit, () => folder.Open("data.npy", input));
    }

    /// <summary>The input of a model that does what a description says.</summary>
    private static TensorSignature Done(string description) => new("x", ElementType.UInt8, ["N", 32, 24, 3])
    {
        Preprocessing = Preprocessing.FromMetadata(Preprocessing.ToMetadata(Load(description, Image)))["x"],
    };

    private static IReadOnlyList<Preprocessing> Load(string description, params TensorSignature[] inputs)
    {
        using TemporaryFolder folder = new();
        return Preprocessing.Load(folder.Describe(description), inputs);
    }

    private static string Refusal(string description, params TensorSignature[] inputs) =>
        TemporaryFolder.Fails(DatasetError.Description, () => Load(description, inputs)).Message;
}
