using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class FoldPadTests
{
    private static readonly long[] Border = [0, 0, 1, 0, 0, 0, 2, 1];

    [TestMethod]
    public void Zeros_around_a_convolution_become_its_padding() =>
        AssertLeaves(["Conv"], From([1, 3, 6, 6], (g, x) => g.AddNode("Conv", [Pad(g, x, Border), Weight(g, 4, 3, 3, 3)]).Set("pads", [1L, 0, 0, 1]).Output));

    [TestMethod]
    public void Padding_as_an_attribute_is_read() =>
        AssertLeaves(["Conv"], From([1, 3, 6, 6], (g, x) => g.Add("Conv", g.AddNode("Pad", [x]).Set("pads", Border).Output, Weight(g, 4, 3, 3, 3)), opset: 9));

    [TestMethod]
    public void Zeros_around_a_mean_count_in_it() =>
        AssertLeaves(["AveragePool"], From([1, 3, 6, 6], (g, x) => Pool(g, "AveragePool", Pad(g, x, Border))));

    [TestMethod]
    public void A_border_of_minus_infinity_never_wins_a_maximum() =>
        AssertLeaves(["Sub", "MaxPool"], From([1, 3, 6, 6], (g, x) => Pool(g, "MaxPool", Pad(g, Shifted(g, x), Border, float.NegativeInfinity))));

    [TestMethod]
    public void Zeros_around_a_relu_never_win_a_maximum() =>
        AssertLeaves(["Sub", "Relu", "MaxPool"], From([1, 3, 6, 6], (g, x) => Pool(g, "MaxPool", Pad(g, g.Add("Relu", Shifted(g, x)), Border))));

    [TestMethod]
    public void Zeros_in_front_of_a_maximum_of_integers_stay_since_their_lowest_has_no_absolute_value()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Int8, 1, 1, 2, 2));
        Value padded = model.Graph.Add("Pad", model.Graph.Add("Abs", x), Longs(model.Graph, Border));
        model.Graph.AddOutput(Pool(model.Graph, "MaxPool", padded));

        CollectionAssert.Contains(Simplified.Of(model, Tensor.Create<sbyte>([1, 1, 2, 2], [-128, -128, -128, -128])).Operators, "Pad");
    }

    [TestMethod]
    public void Zeros_around_negative_numbers_stay_and_say_why()
    {
        Simplified result = From([1, 3, 6, 6], (g, x) => Pool(g, "MaxPool", Pad(g, Shifted(g, x), Border)));

        AssertLeaves(["Sub", "Pad", "MaxPool"], result);
        Assert.Contains("could be the maximum", result.Refusals);
    }

    [TestMethod]
    [DataRow(11L)]
    [DataRow(17L)]
    public void A_padding_that_a_maximum_reads_too_stays_between_them_as_ONNX_Runtime_would_join_the_two(long opset)
    {
        Simplified result = From([1, 3, 6, 6], (g, x) =>
        {
            Value padded = Pad(g, g.Add("Sub", g.Add("Sigmoid", x), g.AddInitializer("two", Tensor.Scalar(2f))), Border);
            Value pooled = Pool(g, "MaxPool", padded);
            return g.Add("Add", g.Add("ReduceMax", pooled), g.Add("ReduceMax", g.Add("Conv", padded, Weight(g, 4, 3, 3, 3))));
        }, opset);

        CollectionAssert.Contains(result.Operators, "Pad");
        Assert.Contains("would join", result.Refusals);
    }

    [TestMethod]
    public void Another_constant_stays_and_says_why()
    {
        Simplified result = From([1, 3, 6, 6], (g, x) => g.Add("Conv", Pad(g, x, Border, 1), Weight(g, 4, 3, 3, 3)));

        AssertLeaves(["Pad", "Conv"], result);
        Assert.Contains("it pads with 1", result.Refusals);
    }

    [TestMethod]
    public void Reflection_stays_and_says_why()
    {
        Simplified result = From([1, 3, 6, 6], (g, x) => g.Add("Conv", g.AddNode("Pad", [x, Longs(g, Border)]).Set("mode", "reflect").Output, Weight(g, 4, 3, 3, 3)));

        AssertLeaves(["Pad", "Conv"], result);
        Assert.Contains("does not pad with a constant", result.Refusals);
    }

    [TestMethod]
    [DataRow(0L, 1L, 0L)]
    [DataRow(0L, 0L, -1L)]
    public void Padded_channels_and_cuts_stay(long batch, long channels, long height) =>
        AssertLeaves(["Pad", "Conv"], From([1, 3, 6, 6], (g, x) => g.Add("Conv", Pad(g, x, [batch, channels, height, 0, 0, 0, 0, 0]), Weight(g, 4, 3 + (int)channels, 3, 3))));

    [TestMethod]
    public void A_mean_that_leaves_its_own_padding_out_stays() =>
        AssertLeaves(["Pad", "AveragePool"], From([1, 3, 6, 6], (g, x) => Pool(g, "AveragePool", Pad(g, x, [0, 0, 1, 1, 0, 0, 1, 1])).Producer!.Set("pads", [1L, 1, 1, 1]).Output));

    [TestMethod]
    public void A_border_as_wide_as_the_window_stays() =>
        AssertLeaves(["Pad", "AveragePool"], From([1, 3, 6, 6], (g, x) => Pool(g, "AveragePool", Pad(g, x, [0, 0, 3, 3, 0, 0, 3, 3]))));

    private static Value Pad(Graph g, Value x, long[] pads, float value = 0) =>
        g.Add("Pad", x, Longs(g, pads), value == 0 ? null : g.AddInitializer("value", Tensor.Scalar(value)));

    private static Value Shifted(Graph g, Value x) => g.Add("Sub", x, g.AddInitializer("one", Tensor.Scalar(1f)));

    private static Value Pool(Graph g, string op, Value x) => g.AddNode(op, [x]).Set("kernel_shape", [3L, 3]).Set("strides", [2L, 1]).Output;
}
