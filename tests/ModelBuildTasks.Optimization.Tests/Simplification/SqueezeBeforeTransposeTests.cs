using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class SqueezeBeforeTransposeTests
{
    [TestMethod]
    [DataRow(17L)]
    [DataRow(11L)]
    public void Transposes_around_a_squeeze_meet_and_cancel(long opset) =>
        AssertLeaves(["Squeeze"], From([2, 1, 3, 4], (g, x) => Transpose(g, Squeeze(g, Transpose(g, x, 2, 1, 0, 3), opset), 1, 0, 2), opset));

    [TestMethod]
    public void The_order_of_the_other_axes_stays() =>
        AssertLeaves(["Squeeze", "Transpose"], From(["n", 3, 1, "m"], (g, x) => Squeeze(g, Transpose(g, x, 3, 2, 0, 1), 17)));

    [TestMethod]
    public void A_transpose_that_is_read_otherwise_stays_before() =>
        CollectionAssert.AreEqual(new[] { "Transpose", "Squeeze", "Mul" }, From([2, 1, 3], (g, x) =>
        {
            Value transposed = Transpose(g, x, 2, 1, 0);
            return g.Add("Mul", Squeeze(g, transposed, 17), g.Add("ReduceMax", transposed));
        }).Operators.Where(op => op != "ReduceMax").ToArray());

    private static Value Transpose(Graph g, Value x, params long[] order) => g.AddNode("Transpose", [x]).Set("perm", order).Output;

    private static Value Squeeze(Graph g, Value x, long opset) => opset >= 13 ? g.Add("Squeeze", x, Longs(g, 1)) : g.AddNode("Squeeze", [x]).Set("axes", [1L]).Output;
}
