using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class KeepGatheredAxisTests
{
    [TestMethod]
    [DataRow(13L)]
    [DataRow(11L)]
    public void A_scalar_index_whose_axis_comes_back_becomes_a_vector(long opset) =>
        AssertLeaves(["Gather"], From(["n", 3, 5], (g, x) => Restored(g, Gathered(g, x, 1, axis: -2), opset, 1), opset));

    [TestMethod]
    public void An_axis_that_comes_back_elsewhere_stays() =>
        AssertLeaves(["Gather", "Unsqueeze"], From(["n", 3, "m"], (g, x) => Restored(g, Gathered(g, x, 1, axis: 1), 13, 0)));

    [TestMethod]
    public void A_gathered_value_that_is_read_otherwise_stays() =>
        CollectionAssert.Contains(
            From(["n", 3, "m"], (g, x) =>
            {
                Value gathered = Gathered(g, x, 1, axis: 1);
                return g.Add("Add", Restored(g, gathered, 13, 1), gathered);
            }).Operators,
            "Unsqueeze");

    private static Value Gathered(Graph g, Value x, long index, long axis) =>
        g.AddNode("Gather", [x, g.AddInitializer("index", Tensor.Scalar(index))]).Set("axis", axis).Output;

    private static Value Restored(Graph g, Value x, long opset, long axis) =>
        opset >= 13 ? g.Add("Unsqueeze", x, Longs(g, axis)) : g.AddNode("Unsqueeze", [x]).Set("axes", [axis]).Output;
}
