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

    [TestMethod]
    [DataRow("ReduceMean")]
    [DataRow("ArgMax")]
    [DataRow("Gather")]
    [DataRow("Slice")]
    [DataRow("Slices")]
    [DataRow("Squeeze")]
    public void What_counts_axes_from_the_end_behind_it_takes_the_same_ones(string follower) =>
        From([1, 4, 5, 6, 1], (g, x) => Follow(g, Squeeze(g, Transpose(g, x, 2, 0, 3, 1, 4), 17), follower));

    /// <summary>From [5, 6, 4, 1] on.</summary>
    private static Value Follow(Graph g, Value x, string follower) => follower switch
    {
        "ReduceMean" => g.Add("Unsqueeze", g.AddNode("ReduceMean", [x]).Set("axes", [-3L]).Set("keepdims", 0L).Output, Longs(g, 1)),
        "ArgMax" => g.AddNode("Cast", [g.Add("Unsqueeze", g.AddNode("ArgMax", [x]).Set("axis", -3L).Set("keepdims", 0L).Output, Longs(g, 1))]).Set("to", (long)ElementType.Float).Output,
        "Gather" => g.Add("Unsqueeze", g.AddNode("Gather", [x, g.AddInitializer("i", Tensor.Scalar(1L))]).Set("axis", -3L).Output, Longs(g, 1)),
        "Slice" => Slice(g, Slice(g, x, 0, 3, -3), 1, 3, 0),
        "Slices" => g.Add("Mul", Slice(g, x, 0, 3, -3), Slice(g, x, 3, 6, -3)),
        _ => g.Add("Squeeze", g.Add("Squeeze", g.Add("Unsqueeze", x, Longs(g, 0)), Longs(g, 0)), Longs(g, -1)),
    };

    private static Value Slice(Graph g, Value x, long start, long end, long axis) => g.Add("Slice", x, Longs(g, start), Longs(g, end), Longs(g, axis));

    [TestMethod]
    public void Two_squeezes_of_one_transpose_keep_the_order() =>
        From([1, 1, 5, 6], (g, x) => g.Add("Squeeze", g.Add("Squeeze", Transpose(g, x, 1, 0, 3, 2), Longs(g, 0)), Longs(g, -3)));

    private static Value Transpose(Graph g, Value x, params long[] order) => g.AddNode("Transpose", [x]).Set("perm", order).Output;

    private static Value Squeeze(Graph g, Value x, long opset) => opset >= 13 ? g.Add("Squeeze", x, Longs(g, 1)) : g.AddNode("Squeeze", [x]).Set("axes", [1L]).Output;
}
