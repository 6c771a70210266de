using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class MergeTransposesTests
{
    [TestMethod]
    public void Two_in_a_row_become_one() =>
        AssertLeaves(["Transpose"], From([2, 3, 4], (g, x) => Transposed(g, Transposed(g, x, 1, 2, 0), 0, 2, 1)));

    [TestMethod]
    public void One_that_undoes_the_other_leaves_none() =>
        AssertLeaves(["Neg"], From([2, 3, 4], (g, x) => g.Add("Neg", Transposed(g, Transposed(g, x, 1, 2, 0), 2, 0, 1))));

    [TestMethod]
    public void One_without_a_stated_order_reverses_the_axes() =>
        AssertLeaves(["Transpose"], From([2, 3, 4], (g, x) => Transposed(g, g.Add("Transpose", x), 1, 2, 0)));

    [TestMethod]
    public void The_first_stays_for_others_that_read_it()
    {
        Simplified result = From([3, 3], (g, x) =>
        {
            Value first = Transposed(g, x, 1, 0);
            return g.Add("Add", g.Add("Exp", first), g.Add("Neg", Transposed(g, first, 1, 0)));
        });

        Assert.AreEqual(1, result.Operators.Count(op => op == "Transpose"));
    }

    private static Value Transposed(Graph g, Value x, params long[] order) => g.AddNode("Transpose", [x]).Set("perm", order).Output;
}
