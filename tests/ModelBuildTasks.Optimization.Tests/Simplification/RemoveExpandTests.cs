using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class RemoveExpandTests
{
    [TestMethod]
    public void An_expand_to_the_shape_of_the_reshape_before_goes() =>
        CollectionAssert.DoesNotContain(
            From(["n", "m", 4], (g, x) =>
            {
                Value shape = g.Add("Concat", g, g.Add("Gather", g.Add("Shape", x), Longs(g, 1)), g.Add("Gather", g.Add("Shape", x), Longs(g, 0)), Longs(g, 4));
                return g.Add("Expand", g.Add("Reshape", x, shape), shape);
            }).Operators,
            "Expand");

    [TestMethod]
    public void An_expand_to_what_arithmetic_broadcasts_to_goes() =>
        AssertLeaves(["ReduceMax", "Sub"], From(["n", 3], (g, x) => g.Add("Sub", x, g.Add("Expand", g.AddNode("ReduceMax", [x]).Set("axes", [1L]).Output, g.Add("Shape", x)))));

    [TestMethod]
    public void An_expand_that_widens_the_result_stays() =>
        CollectionAssert.Contains(From(["n", 3], (g, x) => g.Add("Sub", x, g.Add("Expand", x, Longs(g, 4, 1, 1)))).Operators, "Expand");

    [TestMethod]
    public void An_expand_that_something_else_reads_stays() =>
        CollectionAssert.Contains(From(["n", 3], (g, x) => g.Add("Sub", g.Add("CumSum", g.Add("Expand", g.AddNode("ReduceMax", [x]).Set("axes", [1L]).Output, g.Add("Shape", x)), Longs(g, 0)), x)).Operators, "Expand");
}
