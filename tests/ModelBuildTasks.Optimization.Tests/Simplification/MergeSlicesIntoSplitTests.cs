using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class MergeSlicesIntoSplitTests
{
    [TestMethod]
    [DataRow(17L)]
    [DataRow(9L)]
    public void Slices_that_cover_an_axis_become_one_split(long opset) =>
        AssertLeaves(["Split", "Neg", "Concat"], From(["n", 5], (g, x) => Joined(g, Slice(g, x, 0, 2, opset), Slice(g, x, 2, long.MaxValue, opset)), opset));

    [TestMethod]
    public void Negative_bounds_count_from_the_end() =>
        AssertLeaves(["Split", "Neg", "Concat"], From(["n", 5], (g, x) => Joined(g, Slice(g, x, 0, -3), Slice(g, x, -3, 5))));

    [TestMethod]
    public void A_gap_keeps_the_slices() =>
        AssertLeaves(["Slice", "Neg", "Slice", "Concat"], From(["n", 5], (g, x) => Joined(g, Slice(g, x, 0, 2), Slice(g, x, 3, 5))), anyOrder: true);

    [TestMethod]
    public void An_overlap_keeps_the_slices() =>
        AssertLeaves(["Slice", "Neg", "Slice", "Concat"], From(["n", 5], (g, x) => Joined(g, Slice(g, x, 0, 3), Slice(g, x, 2, 5))), anyOrder: true);

    [TestMethod]
    public void An_axis_of_unknown_size_keeps_the_slices() =>
        AssertLeaves(["Slice", "Neg", "Slice", "Concat"], From(["n", "m"], (g, x) => Joined(g, Slice(g, x, 0, 1), Slice(g, x, 1, long.MaxValue))), anyOrder: true);

    private static Value Joined(Graph g, Value first, Value second) => g.AddNode("Concat", [g.Add("Neg", first), second]).Set("axis", 1L).Output;

    private static Value Slice(Graph g, Value x, long start, long end, long opset = 17) => opset >= 10
        ? g.Add("Slice", x, Longs(g, start), Longs(g, end), Longs(g, 1))
        : g.AddNode("Slice", [x]).Set("starts", [start]).Set("ends", [end]).Set("axes", [1L]).Output;

    private static void AssertLeaves(string[] operators, Simplified result, bool anyOrder = false)
    {
        if (anyOrder)
        {
            CollectionAssert.AreEquivalent(operators, result.Operators);
        }
        else
        {
            CollectionAssert.AreEqual(operators, result.Operators);
        }
    }
}
