using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

/// <summary>Arithmetic by channel behind a layer.</summary>
[TestClass]
public class FoldChannelArithmeticTests
{
    [TestMethod]
    [DataRow("Mul")]
    [DataRow("Div")]
    [DataRow("Add")]
    [DataRow("Sub")]
    public void A_constant_for_each_channel_moves_into_the_convolution(string op) =>
        AssertLeaves(["Conv"], Simplified.From([1, 3, 5, 5], (g, x) => g.Add(op, g.Add("Conv", x, Simplified.Weight(g, 4, 3, 3, 3)), Simplified.Weight(g, 4, 1, 1))));

    [TestMethod]
    public void A_constant_minus_the_result_moves_too() =>
        AssertLeaves(["Conv"], Simplified.From([1, 3, 5, 5], (g, x) => g.Add("Sub", Simplified.Weight(g, 1), g.Add("Conv", x, Simplified.Weight(g, 4, 3, 3, 3)))));

    [TestMethod]
    public void A_constant_over_the_result_stays() =>
        AssertLeaves(["Conv", "Div"], Simplified.From([1, 3, 5, 5], (g, x) => g.Add("Div", Simplified.Weight(g, 1), g.Add("Conv", x, Simplified.Weight(g, 4, 3, 3, 3)))));

    [TestMethod]
    public void A_constant_along_the_width_stays() =>
        AssertLeaves(["Conv", "Mul"], Simplified.From([1, 3, 5, 6], (g, x) => g.Add("Mul", g.Add("Conv", x, Simplified.Weight(g, 4, 3, 3, 3)), Simplified.Weight(g, 4))));

    [TestMethod]
    public void A_scale_moves_into_a_matrix_product_of_any_rank() =>
        AssertLeaves(["MatMul"], Simplified.From([2, 3, 4], (g, x) => g.Add("Mul", g.Add("MatMul", x, Simplified.Weight(g, 4, 5)), Simplified.Weight(g, 5))));

    [TestMethod]
    public void A_double_product_takes_a_double_scale()
    {
        Simplified result = Simplified.From([2, 3], (g, x) =>
        {
            Value w = g.AddInitializer("w", Tensor.Create([3, 2], [1.0, 2, 3, 4, 5, 6]));
            Value product = g.Add("MatMul", g.AddNode("Cast", [x]).Set("to", (long)ElementType.Double).Output, w);
            return g.AddNode("Cast", [g.Add("Mul", product, g.AddInitializer("s", Tensor.Vector(0.5, 2)))]).Set("to", (long)ElementType.Float).Output;
        });

        AssertLeaves(["Cast", "MatMul", "Cast"], result);
    }

    private static void AssertLeaves(string[] operators, Simplified result) => CollectionAssert.AreEqual(operators, result.Operators);
}
