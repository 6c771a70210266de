using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class FuseHardSigmoidTests
{
    [TestMethod]
    [DataRow(17L)]
    [DataRow(10L)]
    public void A_sixth_of_a_shifted_clip_is_a_hard_sigmoid(long opset) =>
        AssertLeaves(["Neg", "HardSigmoid"], Of(opset, (g, x) => g.Add("Div", Clipped(g, x, opset), Number(g, 6))));

    [TestMethod]
    public void Its_product_with_x_is_a_hard_swish() =>
        AssertLeaves(["Neg", "HardSwish"], Of(17, (g, x) => g.Add("Mul", g.Add("Mul", x, Clipped(g, x, 17)), Number(g, 1 / 6f))));

    [TestMethod]
    public void X_times_its_hard_sigmoid_is_a_hard_swish() =>
        AssertLeaves(["Neg", "HardSwish"], Of(14, (g, x) => g.Add("Mul", g.AddNode("HardSigmoid", [x]).Set("alpha", 1 / 6f).Output, x)));

    [TestMethod]
    public void Before_operator_set_14_the_product_stays() =>
        AssertLeaves(["Neg", "HardSigmoid", "Mul"], Of(13, (g, x) => g.Add("Mul", x, g.Add("Div", Clipped(g, x, 13), Number(g, 6)))));

    [TestMethod]
    public void Another_slope_is_another_function() =>
        AssertLeaves(["Neg", "HardSigmoid", "Mul"], Of(17, (g, x) => g.Add("Mul", g.AddNode("HardSigmoid", [x]).Set("alpha", 0.2f).Output, x)));

    [TestMethod]
    public void It_differs_from_the_formula_by_no_more_than_rounding_at_1()
    {
        float[] x = [.. Enumerable.Range(-512, 1025).Select(i => i / 64f), -2.9999998f, 1e30f];

        (float[] written, float[] left) = Simplified.Results(Tensor.Vector(x), (g, v) => g.Add("Div", g.Add("Mul", v, Clipped(g, v, 17)), Number(g, 6)));

        for (int i = 0; i < x.Length; i++)
        {
            Assert.AreEqual(written[i], left[i], Math.Abs(x[i]) * Math.ScaleB(1, -22), $"at {x[i]}");
        }
    }

    [TestMethod]
    public void A_clip_that_is_read_otherwise_keeps_it_and_says_why()
    {
        Simplified result = Of(17, (g, x) =>
        {
            Value clipped = Clipped(g, x, 17);
            return g.Add("Sub", g.Add("Div", clipped, Number(g, 6)), clipped);
        });

        CollectionAssert.Contains(result.Operators, "Clip");
        Assert.Contains("is used by another node", result.Refusals);
    }

    private static Value Clipped(Graph g, Value x, long opset)
    {
        Value shifted = g.Add("Add", x, Number(g, 3));
        return opset >= 11 ? g.Add("Clip", shifted, Number(g, 0), Number(g, 6)) : g.AddNode("Clip", [shifted]).Set("min", 0f).Set("max", 6f).Output;
    }

    /// <summary>Numbers on both sides of both bounds.</summary>
    private static Simplified Of(long opset, Func<Graph, Value, Value> build)
    {
        Model model = Model.Create("g", opset, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 60));
        model.Graph.AddOutput(build(model.Graph, model.Graph.AddNode("Neg", [x]).Output));
        return Simplified.Of(model, Tensor.Vector([.. Enumerable.Range(-30, 60).Select(i => i / 5f)]));
    }

    private static Value Number(Graph g, float value) => g.AddInitializer("number", Tensor.Scalar(value));
}
