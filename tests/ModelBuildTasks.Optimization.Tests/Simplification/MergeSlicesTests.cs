using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class MergeSlicesTests
{
    [TestMethod]
    public void Slices_along_different_axes_of_any_size_become_one() =>
        AssertLeaves(["Slice"], From(["n", "m", 5], (g, x) => Slice(g, Slice(g, x, 1, -1, axis: 2), 1, 2, axis: 0)));

    [TestMethod]
    public void Slices_along_one_axis_count_from_its_start() =>
        AssertLeaves(["Slice"], From(["n", 30], (g, x) => Slice(g, Slice(g, x, 3, 28, axis: 1, step: 2), 2, -1, axis: 1, step: 3)));

    [TestMethod]
    public void A_slice_that_is_read_otherwise_stays() =>
        CollectionAssert.AreEquivalent(new[] { "Slice", "Slice", "ReduceMax", "Add" }, From([2, 30], (g, x) =>
        {
            Value inner = Slice(g, x, 3, 28, axis: 1);
            return g.Add("Add", Slice(g, inner, 2, 5, axis: 1), g.Add("ReduceMax", inner));
        }).Operators);

    [TestMethod]
    public void Slices_along_one_axis_of_unknown_size_stay() =>
        AssertLeaves(["Slice", "Slice"], From(["n", "m"], (g, x) => Slice(g, Slice(g, x, 0, 2, axis: 1), -1, long.MaxValue, axis: 1)));

    [TestMethod]
    public void Slices_backwards_along_one_axis_stay() =>
        AssertLeaves(["Slice", "Slice"], From(["n", 6], (g, x) => Slice(g, Slice(g, x, -1, long.MinValue, axis: 1, step: -1), 0, 2, axis: 1)));

    [TestMethod]
    public void Before_operator_set_11_slices_along_different_axes_stay_as_ONNX_Runtime_misjudges_the_size_of_some_joined() =>
        AssertLeaves(["Slice", "Slice", "Neg"], From(["n", 6], (g, x) => g.Add("Neg", Slice(g, Slice(g, x, long.MinValue, -4, axis: 1), int.MaxValue, 0, axis: 0)), opset: 10));

    private static Value Slice(Graph g, Value x, long start, long end, long axis, long step = 1) =>
        g.Add("Slice", x, Longs(g, start), Longs(g, end), Longs(g, axis), Longs(g, step));
}
