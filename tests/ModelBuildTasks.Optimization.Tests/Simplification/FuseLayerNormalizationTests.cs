using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class FuseLayerNormalizationTests
{
    [TestMethod]
    public void The_form_that_PyTorch_writes_becomes_one_node() =>
        AssertLeaves(["LayerNormalization"], From(["n", 3, 8], (g, x) => Normalized(g, x, [-1])));

    [TestMethod]
    public void Axes_as_an_input_are_read() =>
        AssertLeaves(["LayerNormalization"], From(["n", 3, 8], (g, x) => Normalized(g, x, [2]), opset: 18));

    [TestMethod]
    public void Several_last_axes_are_normalized_together() =>
        AssertLeaves(["LayerNormalization"], From(["n", 3, 8], (g, x) => Normalized(g, x, [1, 2], parameters: [3, 8])));

    [TestMethod]
    public void Without_a_shift_the_bias_is_left_out() =>
        AssertLeaves(["LayerNormalization", "Neg"], From(["n", 3, 8], (g, x) => g.Add("Neg", Normalized(g, x, [-1], shift: false))));

    [TestMethod]
    public void A_square_as_a_product_and_a_reciprocal_are_read() =>
        AssertLeaves(["LayerNormalization"], From(["n", 3, 8], (g, x) =>
        {
            Value d = g.Add("Sub", x, Mean(g, x, [-1]));
            Value root = g.Add("Sqrt", g.Add("Add", Number(g, 1e-5f), Mean(g, g.Add("Mul", d, d), [-1])));
            return g.Add("Add", Weight(g, 8), g.Add("Mul", g.Add("Mul", d, g.Add("Reciprocal", root)), Weight(g, 8)));
        }));

    [TestMethod]
    public void An_older_operator_set_keeps_it_and_says_why()
    {
        Simplified result = From(["n", 3, 8], (g, x) => Normalized(g, x, [-1]), opset: 13);

        CollectionAssert.Contains(result.Operators, "Sqrt");
        Assert.Contains("needs operator set 17, and the model has 13", result.Refusals);
    }

    [TestMethod]
    public void Another_axis_than_the_last_keeps_it() =>
        CollectionAssert.Contains(From(["n", 8, 8], (g, x) => Normalized(g, x, [1])).Operators, "Sqrt");

    [TestMethod]
    public void Parameters_along_another_axis_keep_it() =>
        CollectionAssert.Contains(From(["n", 8, 8], (g, x) => Normalized(g, x, [-1], parameters: [8, 1])).Operators, "Sqrt");

    [TestMethod]
    public void Ones_before_the_last_axis_of_the_parameters_are_left_out() =>
        AssertLeaves(["LayerNormalization"], From(["n", 3, 8], (g, x) => Normalized(g, x, [-1], parameters: [1, 1, 8])));

    [TestMethod]
    public void Parameters_that_raise_the_rank_keep_it() =>
        CollectionAssert.Contains(From([3, 8], (g, x) => Normalized(g, x, [-1], parameters: [1, 1, 8])).Operators, "Sqrt");

    [TestMethod]
    [DataRow(0f, 1f)]
    [DataRow(10f, 1f)]
    [DataRow(1000f, 1f)]
    [DataRow(1000f, 0.3f)]
    [DataRow(-100000f, 2f)]
    public void It_differs_from_the_formula_by_as_many_roundings_as_the_mean_is_deviations_large(float mean, float deviation)
    {
        Random random = new(3);
        float[] x = [.. Enumerable.Range(0, 100 * 8).Select(_ => mean + deviation * (float)(Math.Sqrt(12) * (random.NextDouble() - 0.5)))];

        (float[] written, float[] left) = Results(Tensor.Create([100, 8], x), (g, v) => Normalized(g, v, [-1]));

        // Of random rows some deviate less than all together.
        double allowed = (1 + Math.Abs(mean) / (deviation / 4)) * Math.ScaleB(1, -22);
        Assert.IsLessThanOrEqualTo(allowed, written.Zip(left, (a, b) => Math.Abs((double)a - b)).Max() / written.Max(Math.Abs));
    }

    [TestMethod]
    public void A_mean_that_is_read_otherwise_keeps_it_and_says_why()
    {
        Simplified result = From([2, 3, 8], (g, x) =>
        {
            Value normalized = Normalized(g, x, [-1]);
            return g.Add("Add", normalized, g.Nodes.First(node => node.OpType == "ReduceMean").Output);
        });

        CollectionAssert.Contains(result.Operators, "Sqrt");
        Assert.Contains("is used by another node", result.Refusals);
    }

    private static Value Normalized(Graph g, Value x, long[] axes, long[]? parameters = null, bool shift = true)
    {
        Value d = g.Add("Sub", x, Mean(g, x, axes));
        Value variance = Mean(g, g.Add("Pow", d, Number(g, 2)), axes);
        Value scaled = g.Add("Mul", g.Add("Div", d, g.Add("Sqrt", g.Add("Add", variance, Number(g, 1e-5f)))), Weight(g, parameters ?? [8]));
        return shift ? g.Add("Add", scaled, Weight(g, parameters ?? [8])) : scaled;
    }

    private static Value Mean(Graph g, Value x, long[] axes) =>
        g.Model.Opset >= 18 ? g.Add("ReduceMean", x, Longs(g, axes)) : g.AddNode("ReduceMean", [x]).Set("axes", axes).Output;

    private static Value Number(Graph g, float value) => g.AddInitializer("number", Tensor.Scalar(value));
}
