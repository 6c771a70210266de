using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.MixedPrecision;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

[TestClass]
public sealed class OutputNoiseTests
{
    [TestMethod]
    public void Large_coordinates_do_not_hide_noise_on_probabilities_beside_them()
    {
        // Trap: the cosine of such an output is 1.000 though its probabilities are wrong.
        OutputPart[] parts = [new("out[0..0]", 0, 2, 0, 1), new("out[1..1]", 0, 2, 1, 1)];
        OutputNoise noise = new(parts);
        noise.Add([Detections(350, 10, 0.1f, 200, 0.9f, 0)], [Detections(350, 10, 0.4f, 200, 0.5f, 0)]);

        Assert.IsLessThan(5, noise.Decibels);
        (string name, double decibels) = noise.Parts.First();
        Assert.AreEqual("out[0..0]", name);
        Assert.IsGreaterThan(100, decibels);
    }

    [TestMethod]
    public void An_offset_of_the_signal_does_not_make_noise_look_small()
    {
        float[] signal = [0, 1, 0, 1];
        float[] noisy = [0.1f, 0.9f, -0.1f, 1.1f];
        OutputPart part = new("y", 0, -1, 0, 1);
        OutputNoise small = new([part]);
        OutputNoise lifted = new([part]);
        small.Add([Tensor.Vector(signal)], [Tensor.Vector(noisy)]);
        lifted.Add([Tensor.Vector(Array.ConvertAll(signal, x => x + 1000))], [Tensor.Vector(Array.ConvertAll(noisy, x => x + 1000))]);

        Assert.AreEqual(small.Decibels, lifted.Decibels, 0.1);
        Assert.AreEqual(10 * Math.Log10(1 / 0.04), small.Decibels, 0.1);
    }

    [TestMethod]
    public void The_same_noise_is_worse_where_two_classes_are_close()
    {
        OutputPart part = new("scores", 0, -1, 0, 1);
        OutputNoise clear = new([part]);
        OutputNoise close = new([part]);
        clear.Add([Scores(5, 1, 0)], [Scores(5.1f, 0.9f, 0)]);
        close.Add([Scores(5, 4.95f, 0)], [Scores(5.1f, 4.85f, 0)]);

        Assert.IsGreaterThan(close.Decibels + 10, clear.Decibels);
    }

    [TestMethod]
    public void People_are_told_the_plain_ratio_for_scores_of_classes_too()
    {
        OutputNoise noise = new([new OutputPart("scores", 0, -1, 0, 1)]);
        noise.Add([Scores(9, 0, 0)], [Scores(9.9f, 0, 0)]);

        // Signal about the mean 36 + 9 + 9, noise 0.81.
        Assert.AreEqual(10 * Math.Log10(54 / 0.81), noise.SignalToNoise, 0.01);
        Assert.IsGreaterThan(noise.SignalToNoise, noise.Decibels);
    }

    [TestMethod]
    public void Outputs_that_are_equal_have_no_noise()
    {
        OutputNoise noise = new([new OutputPart("scores", 0, -1, 0, 1)]);
        noise.Add([Scores(1, 2, 3)], [Scores(1, 2, 3)]);

        Assert.AreEqual(0, noise.Ratio);
    }

    [TestMethod]
    public void An_output_that_a_Concat_joins_has_a_part_for_each_of_its_inputs()
    {
        Model model = Model.Create("test", 13, 7);
        Value boxes = model.Graph.AddInput("boxes", new TensorType(ElementType.Float, 1, 4, 10));
        Value classes = model.Graph.AddInput("classes", new TensorType(ElementType.Float, 1, 80, 10));
        Value output = model.Graph.AddNode("Transpose", [model.Graph.AddNode("Concat", [boxes, classes]).Set("axis", 1L).Output]).Set("perm", [0L, 2, 1]).Output;
        output.Name = "y";

        OutputPart[] parts = [.. OutputPart.Of(output, 0, [1, 10, 84], value => value == boxes ? [1, 4, 10] : [1, 80, 10])];

        CollectionAssert.AreEqual(new[] { new OutputPart("y[0..3]", 0, 2, 0, 4), new OutputPart("y[4..83]", 0, 2, 4, 80) }, parts);
    }

    [TestMethod]
    public void An_input_of_a_Concat_without_channels_has_no_part()
    {
        Model model = Model.Create("test", 13, 7);
        Value none = model.Graph.AddInput("none", new TensorType(ElementType.Float, 1, 0, 10));
        Value classes = model.Graph.AddInput("classes", new TensorType(ElementType.Float, 1, 80, 10));
        Value output = model.Graph.AddNode("Concat", [none, classes]).Set("axis", 1L).Output;
        output.Name = "y";

        OutputPart[] parts = [.. OutputPart.Of(output, 0, [1, 80, 10], value => value == none ? [1, 0, 10] : [1, 80, 10])];

        CollectionAssert.AreEqual(new[] { new OutputPart("y[0..79]", 0, 1, 0, 80) }, parts);
    }

    [TestMethod]
    public void A_sample_with_another_number_of_elements_is_wholly_noisy()
    {
        OutputNoise noise = new([new OutputPart("y", 0, -1, 0, 1)]);
        noise.Add([Tensor.Vector<float>(0, 1, 0, 1)], [Tensor.Vector<float>(0, 1)]);

        Assert.AreEqual(0, noise.Decibels, 1e-6);
    }

    [TestMethod]
    public void Channels_of_another_length_are_wholly_noisy()
    {
        OutputNoise noise = new([new OutputPart("y", 0, 2, 0, 2)]);
        noise.Add([Detections(1, 2, 3, 4, 5, 6)], [Tensor.Create<float>([1, 2, 2], [1, 2, 3, 4])]);

        Assert.AreEqual(0, noise.Decibels, 1e-6);
    }

    [TestMethod]
    public void Another_number_of_rows_with_scores_of_classes_changes_all_answers()
    {
        OutputNoise noise = new([new OutputPart("scores", 0, -1, 0, 1)]);
        noise.Add([Tensor.Create<float>([2, 3], [9, 0, 0, 0, 9, 0])], [Scores(9, 0, 0)]);

        Assert.AreEqual(0, noise.Decibels, 1e-6);
    }

    [TestMethod]
    [DataRow(float.NegativeInfinity)]
    [DataRow(float.PositiveInfinity)]
    [DataRow(float.NaN)]
    public void What_is_not_finite_in_the_float_model_is_left_out(float number)
    {
        OutputNoise noise = new([new OutputPart("y", 0, -1, 0, 1)]);
        noise.Add([Tensor.Vector(number, 0, 1, 0, 1)], [Tensor.Vector(number, 0.1f, 0.9f, -0.1f, 1.1f)]);

        Assert.AreEqual(10 * Math.Log10(1 / 0.04), noise.Decibels, 1e-4);
    }

    [TestMethod]
    [DataRow(float.NegativeInfinity)]
    [DataRow(float.NaN)]
    public void A_number_that_is_no_longer_finite_is_an_error_as_large_as_the_signal(float number)
    {
        OutputNoise noise = new([new OutputPart("y", 0, -1, 0, 1)]);
        noise.Add([Tensor.Vector<float>(0, 1, 0, 1)], [Tensor.Vector(0, 1, number, 1)]);

        Assert.AreEqual(10 * Math.Log10(4), noise.Decibels, 1e-6);
    }

    [TestMethod]
    public void A_masked_class_does_not_count_among_the_scores()
    {
        OutputPart part = new("scores", 0, -1, 0, 1);
        OutputNoise plain = new([part]);
        OutputNoise masked = new([part]);
        plain.Add([Scores(5, 4, 0)], [Scores(5.1f, 3.9f, 0)]);
        masked.Add([Scores(5, 4, 0, float.NegativeInfinity)], [Scores(5.1f, 3.9f, 0, float.NegativeInfinity)]);

        Assert.AreEqual(plain.Decibels, masked.Decibels, 1e-9);
    }

    [TestMethod]
    public void A_score_of_a_class_that_is_no_longer_finite_changes_the_answer()
    {
        OutputNoise noise = new([new OutputPart("scores", 0, -1, 0, 1)]);
        noise.Add([Scores(5, 4, 0)], [Scores(5, float.NaN, 0)]);

        Assert.AreEqual(0, noise.Decibels, 1e-6);
    }

    private static Tensor Scores(params float[] scores) => Tensor.Create([1, scores.Length], scores);

    /// <summary>[1, 3, (coordinate, probability)].</summary>
    private static Tensor Detections(float a, float b, float first, float c, float second, float third) =>
        Tensor.Create<float>([1, 3, 2], [a, first, b, second, c, third]);
}
