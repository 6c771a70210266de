using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class SliceRangeTests
{
    private readonly Model model = Model.Create("g", 17, 8);
    private readonly Value x;

    public SliceRangeTests() => x = Graph.AddInput("x", new TensorType(ElementType.Float, "N", 10));

    private Graph Graph => model.Graph;

    [TestMethod]
    [DataRow(-3L, long.MaxValue, 1L, 7L, 10L, DisplayName = "negative bounds count from the end")]
    [DataRow(2L, -1L, 1L, 2L, 9L, DisplayName = "a negative end too")]
    [DataRow(-99L, 99L, 2L, 0L, 10L, DisplayName = "bounds outside the axis stop at it")]
    [DataRow(8L, 3L, 1L, 8L, 8L, DisplayName = "an end before the start leaves nothing")]
    [DataRow(12L, 15L, 1L, 10L, 10L, DisplayName = "a start beyond the end leaves nothing")]
    public void Bounds_are_counted_from_the_front_and_kept_inside_the_axis(long start, long end, long step, long expectedStart, long expectedEnd)
    {
        Node slice = Slice([start], [end], [-1], [step]);

        Assert.AreEqual(new SliceRange(slice, 1, expectedStart, expectedEnd, step), AllOf(slice)!.Single());
    }

    [TestMethod]
    [DataRow(0L, (long)int.MaxValue)]
    [DataRow(0L, long.MaxValue)]
    [DataRow(-10L, 10L)]
    public void An_axis_that_is_taken_whole_is_left_out(long start, long end) => Assert.IsEmpty(AllOf(Slice([start], [end], [1], [1]))!);

    [TestMethod]
    public void An_axis_of_unknown_size_is_known_when_it_is_taken_whole_and_only_then()
    {
        Assert.HasCount(1, AllOf(Slice([0, 4], [long.MaxValue, 6], [0, 1], [1, 1]))!);
        Assert.IsNull(AllOf(Slice([0, 4], [5, 6], [0, 1], [1, 1])));
    }

    [TestMethod]
    public void A_slice_that_runs_backwards_is_none() => Assert.IsNull(AllOf(Slice([9], [0], [1], [-1])));

    [TestMethod]
    public void An_axis_beyond_the_rank_is_none() => Assert.IsNull(AllOf(Slice([0], [1], [2], [1])));

    [TestMethod]
    public void Bounds_that_do_not_match_in_number_are_none() => Assert.IsNull(AllOf(Slice([0, 1], [1], [0], [1])));

    private Node Slice(long[] starts, long[] ends, long[] axes, long[] steps) =>
        Graph.AddNode("Slice", [x, Simplified.Longs(Graph, starts), Simplified.Longs(Graph, ends), Simplified.Longs(Graph, axes), Simplified.Longs(Graph, steps)]);

    private static SliceRange[]? AllOf(Node slice) => SliceRange.AllOf(slice, new RuleContext(new Dictionary<Value, TensorType>(), TargetProfiles.Cpu));
}
