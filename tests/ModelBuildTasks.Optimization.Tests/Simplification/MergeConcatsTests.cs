using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class MergeConcatsTests
{
    [TestMethod]
    public void Nested_joins_along_one_axis_become_one() =>
        AssertLeaves(["Neg", "Exp", "Concat"], From(["n", 3], (g, x) => Concat(g, 1, g.Add("Neg", x), Concat(g, -1, x, g.Add("Exp", x)))));

    [TestMethod]
    public void Joins_along_different_axes_stay() =>
        AssertLeaves(["Concat", "Concat"], From(["n", 3], (g, x) => Concat(g, 0, Concat(g, 1, x, x), Concat(g, 1, x, x))));

    [TestMethod]
    public void A_join_that_is_read_twice_stays() =>
        AssertLeaves(["Neg", "Concat", "Concat"], From(["n", 3], (g, x) =>
        {
            Value inner = Concat(g, 1, x, g.Add("Neg", x));
            return Concat(g, 1, inner, inner);
        }));

    private static Value Concat(Graph g, long axis, params Value[] parts) => g.AddNode("Concat", parts).Set("axis", axis).Output;
}
