using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class FoldShapeTests
{
    [TestMethod]
    public void The_shape_of_fixed_dimensions_is_a_constant() =>
        AssertLeaves(["Exp", "Add"], From([2, 3], (g, x) => g.Add("Add", g.Add("Exp", x), Single(g, g.Add("ReduceMax", g.Add("Shape", x))))));

    [TestMethod]
    public void A_fixed_dimension_among_free_ones_is_a_constant() =>
        AssertLeaves(["Exp", "Add"], From(["n", 3], (g, x) => g.Add("Add", g.Add("Exp", x), Single(g, g.Add("Gather", g.Add("Shape", x), Longs(g, 1))))));

    [TestMethod]
    public void A_free_dimension_is_asked_for_at_each_run() =>
        CollectionAssert.Contains(From(["n", 3], (g, x) => g.Add("Add", g.Add("Exp", x), Single(g, g.Add("Gather", g.Add("Shape", x), Longs(g, 0))))).Operators, "Shape");

    private static Value Single(Graph g, Value x) => g.AddNode("Cast", [x]).Set("to", (long)ElementType.Float).Output;
}
