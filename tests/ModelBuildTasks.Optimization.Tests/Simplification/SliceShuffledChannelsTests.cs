using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class SliceShuffledChannelsTests
{
    [TestMethod]
    [DataRow(0L)]
    [DataRow(1L)]
    [DataRow(-1L)]
    public void One_group_of_shuffled_channels_is_a_slice_with_steps(long group) =>
        AssertLeaves(["Slice"], From([2, 6, 3, 5], (g, x) => Shuffled(g, x, [6, 2, 15], [2, 2, 3, 3, 5], group)));

    [TestMethod]
    public void Three_groups_are_taken_apart_alike() =>
        AssertLeaves(["Slice"], From([1, 6, 4], (g, x) => Shuffled(g, x, [2, 3, 4], [3, 1, 2, 4], 2)));

    [TestMethod]
    public void Another_shape_of_the_result_stays() =>
        CollectionAssert.Contains(From([2, 6, 3, 5], (g, x) => Shuffled(g, x, [6, 2, 15], [2, 6, 3, 5], 0)).Operators, "Gather");

    [TestMethod]
    public void Groups_that_do_not_divide_the_axis_stay() =>
        CollectionAssert.Contains(From([2, 3, 4], (g, x) => Shuffled(g, x, [3, 2, 4], [2, 1, 3, 4], 0)).Operators, "Gather");

    private static Value Shuffled(Graph g, Value x, long[] grouped, long[] regrouped, long group)
    {
        Value swapped = g.AddNode("Transpose", [g.Add("Reshape", x, Longs(g, grouped))]).Set("perm", [1L, 0, 2]).Output;
        return g.AddNode("Gather", [g.Add("Reshape", swapped, Longs(g, regrouped)), g.AddInitializer("group", Tensor.Scalar(group))]).Set("axis", 0L).Output;
    }
}
