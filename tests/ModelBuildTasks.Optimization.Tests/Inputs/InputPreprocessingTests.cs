using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Inputs;

namespace ModelBuildTasks.Optimization.Tests.Inputs;

[TestClass]
public sealed class InputPreprocessingTests
{
    [TestMethod]
    [DataRow("""{ "scale": "1/255" }""")]
    [DataRow("""{ "mean": 127.5, "std": 127.5 }""")]
    [DataRow("""{ "scale": "1/255", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225] }""")]
    [DataRow("""{ "color": "BGR", "mean": [103.9, 116.8, 123.7] }""")]
    [DataRow("""{ "color": "BGR", "std": [1, 2, 3] }""")]
    public void A_model_with_channels_first_gets_what_the_data_set_would_give(string description)
    {
        using PreprocessedModel model = PreprocessedModel.Of(ElementType.Float, "N", 3, 5, 7);

        model.Describe(description).AddImage(5, 7).AssertSame();
    }

    [TestMethod]
    [DataRow("""{ "scale": "1/255", "mean": [0.1, 0.2, 0.3] }""")]
    [DataRow("""{ "color": "BGR", "mean": [1, 2, 3] }""")]
    [DataRow("""{ "resize": "Stretch", "mean": [1, 2, 3] }""")]
    public void A_model_with_channels_last_gets_what_the_data_set_would_give(string description)
    {
        using PreprocessedModel model = PreprocessedModel.Of(ElementType.Float, 1, 5, 7, 3);

        model.Describe(description).AddImage(5, 7).AssertSame();
    }

    [TestMethod]
    public void The_input_takes_bytes_with_rows_first_and_colours_last_under_its_own_name()
    {
        using PreprocessedModel model = PreprocessedModel.Of(ElementType.Float, "N", 3, 5, 7);
        using ModelSession session = ModelSession.Open(model.Describe("""{ "scale": "1/255" }""").Made());

        Assert.AreEqual("x: UInt8[N, 5, 7, 3]", session.Inputs.Single().ToString());
    }

    [TestMethod]
    public void A_gray_image_has_one_channel()
    {
        using PreprocessedModel model = PreprocessedModel.Of(ElementType.Float, 1, 1, 5, 7);

        model.Describe("""{ "color": "Gray", "mean": 128 }""").AddImage(5, 7).AssertSame();
    }

    [TestMethod]
    [DataRow(ElementType.Float16, 0.01)]
    [DataRow(ElementType.Double, 1e-5)]
    public void A_model_of_other_floating_point_numbers_gets_them(ElementType type, double tolerance)
    {
        using PreprocessedModel model = PreprocessedModel.Of(type, 1, 3, 5, 7);

        model.Describe("""{ "mean": 128, "std": 64 }""").AddImage(5, 7).AssertSame(tolerance);
    }

    [TestMethod]
    public void An_image_without_a_batch_axis_is_one_where_that_is_said()
    {
        using PreprocessedModel model = PreprocessedModel.Of(ElementType.Float, 3, 5, 7);

        model.Describe("""{ "inputLayout": "NCHW", "mean": [1, 2, 3] }""").AddImage(5, 7).AssertSame();
    }

    [TestMethod]
    public void Columns_of_a_table_stay_numbers()
    {
        using PreprocessedModel model = PreprocessedModel.Of(ElementType.Float, "N", 3);
        File.WriteAllText(Path.Combine(model.Data, "data.csv"), "a,b,c\n1.5,2,3\n-4,5,6\n");
        model.Describe("""{ "mean": [1, 2, 3], "std": [4, 5, 6] }""").AssertSame();

        using ModelSession session = ModelSession.Open(model.Made());
        Assert.AreEqual("x: Float[N, 3]", session.Inputs.Single().ToString());
    }

    [TestMethod]
    public void Sound_can_be_given_in_16_bits()
    {
        using PreprocessedModel model = PreprocessedModel.Of(ElementType.Float, 1, 4);
        using ModelSession session = ModelSession.Open(model.Describe("""{ "elementType": "Int16", "scale": "1/32768" }""").Made());

        Tensor result = session.Run([Tensor.Create([1, 4], new short[] { 0, 16384, -32768, 32767 })])[0];

        CollectionAssert.AreEqual(new[] { 0, 0.5f, -1, 32767 / 32768f }, result.Span<float>().ToArray());
    }

    [TestMethod]
    public void Arrays_that_lie_as_the_model_takes_them_are_given_as_images()
    {
        using PreprocessedModel model = PreprocessedModel.Of(ElementType.Float, "N", 3, 2, 2);
        WriteNpy(Path.Combine(model.Data, "data.npy"), "(2, 3, 2, 2)", [.. Enumerable.Range(0, 24).Select(value => (byte)value)]);

        model.Describe("""{ "scale": 2 }""").AssertSame();
    }

    [TestMethod]
    public void Flat_arrays_are_in_the_order_of_the_model_as_it_was()
    {
        using PreprocessedModel model = PreprocessedModel.Of(ElementType.Float, "N", 3, 2, 2);
        WriteNpy(Path.Combine(model.Data, "data.npy"), "(2, 12)", [.. Enumerable.Range(0, 24).Select(value => (byte)value)]);

        model.Describe("""{ "scale": 2 }""").AssertSame();
    }

    // Clip, which a lift gives inputs for its limits, as resizing needs.
    [TestMethod]
    [DataRow("""{ "mean": [1, 2, 3] }""")]
    [DataRow("""{ "mean": [1, 2, 3], "resize": "Crop" }""")]
    public void Weights_that_are_inputs_by_habit_become_weights(string description)
    {
        using PreprocessedModel echo = PreprocessedModel.Of(8, ElementType.Float, 1, 3, 5, 7);
        Model model = echo.Describe(description).Original;
        model.IrVersion = 3;
        Value weight = model.Graph.AddInput("w", new TensorType(ElementType.Float, 4, 3, 1, 1));
        weight.Initializer = Tensor.Create([4, 3, 1, 1], new float[12]);
        model.Graph.AddOutput(model.Graph.AddNode("Clip", [model.Graph.Add("Conv", model.Graph.Inputs[0], weight)]).Set("min", 0f).Set("max", 6f).Output);

        Model made = echo.Made();

        CollectionAssert.AreEqual(new[] { "x" }, made.Graph.Inputs.Select(input => input.Name).ToArray());
    }

    [TestMethod]
    public void The_source_is_left_as_it_was_where_an_input_is_an_output_as_well()
    {
        using PreprocessedModel model = PreprocessedModel.Of(ElementType.Float, 1, 3, 5, 7);
        model.Describe("""{ "scale": 2 }""");
        IReadOnlyList<Preprocessing> wanted = model.Wanted();
        model.Original.Graph.AddOutput(model.Original.Graph.Inputs[0]);
        byte[] before = model.Original.ToBytes();

        Assert.Contains("'x' is an output as well as an input", InputPreprocessing.Apply(model.Original, wanted)!);

        CollectionAssert.AreEqual(before, model.Original.ToBytes());
    }

    [TestMethod]
    [DataRow(7)]
    [DataRow(11)]
    [DataRow(21)]
    public void A_model_of_any_operator_set_can_be_resized(long opset)
    {
        using PreprocessedModel model = PreprocessedModel.Of(opset, ElementType.Float, 1, 3, 5, 7);

        model.Describe("""{ "resize": "Stretch" }""").AddImage(50, 20).AssertSame(1);
    }

    private static void WriteNpy(string path, string shape, byte[] data)
    {
        string header = $"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n";
        File.WriteAllBytes(path, [0x93, .. "NUMPY"u8, 1, 0, .. BitConverter.GetBytes((ushort)header.Length), .. System.Text.Encoding.ASCII.GetBytes(header), .. data]);
    }
}
