using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class RemoveNoOpTests
{
    public static IEnumerable<object[]> NoOps =>
    [
        ["Identity", (Func<Graph, Value, Value>)((g, x) => g.Add("Identity", x))],
        ["Dropout", (Func<Graph, Value, Value>)((g, x) => g.Add("Dropout", x))],
        ["Cast to the same type", (Func<Graph, Value, Value>)((g, x) => g.AddNode("Cast", [x]).Set("to", 1L).Output)],
        ["Transpose that keeps the order", (Func<Graph, Value, Value>)((g, x) => g.AddNode("Transpose", [x]).Set("perm", [0L, 1]).Output)],
        ["Pad by nothing", (Func<Graph, Value, Value>)((g, x) => g.Add("Pad", x, Longs(g, 0, 0, 0, 0)))],
        ["Slice of everything", (Func<Graph, Value, Value>)((g, x) => g.Add("Slice", x, Longs(g, 0), Longs(g, long.MaxValue), Longs(g, 1)))],
        ["Reshape to the same shape", (Func<Graph, Value, Value>)((g, x) => g.Add("Reshape", x, Longs(g, -1, 4)))],
        ["Reshape that copies a dimension", (Func<Graph, Value, Value>)((g, x) => g.Add("Reshape", x, Longs(g, 0, -1)))],
        ["Flatten of a matrix", (Func<Graph, Value, Value>)((g, x) => g.Add("Flatten", x))],
        ["Expand by ones", (Func<Graph, Value, Value>)((g, x) => g.Add("Expand", x, Longs(g, 1, 1)))],
        ["Concat of one", (Func<Graph, Value, Value>)((g, x) => g.AddNode("Concat", [x]).Set("axis", 1L).Output)],
        ["Mul by one", (Func<Graph, Value, Value>)((g, x) => g.Add("Mul", g.AddInitializer("one", Tensor.Scalar(1f)), x))],
        ["Sub of zero", (Func<Graph, Value, Value>)((g, x) => g.Add("Sub", x, g.AddInitializer("zero", Tensor.Vector(0f))))],
        ["two transposes that cancel", (Func<Graph, Value, Value>)((g, x) => g.Add("Transpose", g.Add("Transpose", x)))],
    ];

    public static IEnumerable<object[]> Operations =>
    [
        ["Dropout in training", (Func<Graph, Value, Value>)((g, x) => g.Add("Dropout", x, g.AddInitializer("ratio", Tensor.Scalar(0f)), g.AddInitializer("training", Tensor.Scalar(true))))],
        ["Slice of a part", (Func<Graph, Value, Value>)((g, x) => g.Add("Slice", x, Longs(g, 1), Longs(g, long.MaxValue), Longs(g, 1)))],
        ["Slice backwards", (Func<Graph, Value, Value>)((g, x) => g.Add("Slice", x, Longs(g, -1), Longs(g, long.MinValue), Longs(g, 1), Longs(g, -1)))],
        ["Reshape to another shape", (Func<Graph, Value, Value>)((g, x) => g.Add("Reshape", x, Longs(g, -1, 2)))],
        ["Expand to more", (Func<Graph, Value, Value>)((g, x) => g.Add("Expand", x, Longs(g, 3, 1, 1)))],
        ["Mul by a one that widens", (Func<Graph, Value, Value>)((g, x) => g.Add("Mul", x, g.AddInitializer("ones", Tensor.Create([1, 1, 1], [1f]))))],
        ["Sub from zero", (Func<Graph, Value, Value>)((g, x) => g.Add("Sub", g.AddInitializer("zero", Tensor.Scalar(0f)), x))],
    ];

    [TestMethod]
    [DynamicData(nameof(NoOps))]
    public void Removes(string what, Func<Graph, Value, Value> noOp)
    {
        Simplified result = Simplified.From(["n", 4], (g, x) => g.Add("Neg", noOp(g, g.Add("Exp", x))));

        CollectionAssert.AreEqual(new[] { "Exp", "Neg" }, result.Operators, what);
    }

    [TestMethod]
    [DynamicData(nameof(NoOps))]
    public void The_name_of_a_graph_output_stays(string what, Func<Graph, Value, Value> noOp)
    {
        Simplified result = Simplified.From(["n", 4], (g, x) => noOp(g, g.Add("Exp", x)));

        CollectionAssert.AreEqual(new[] { "Exp" }, result.Operators, what);
    }

    [TestMethod]
    [DynamicData(nameof(Operations))]
    public void Keeps(string what, Func<Graph, Value, Value> operation)
    {
        Simplified result = Simplified.From(["n", 4], (g, x) => g.Add("Neg", operation(g, g.Add("Exp", x))));

        Assert.HasCount(3, result.Operators, what);
    }

    [TestMethod]
    public void An_output_that_is_the_input_keeps_its_node()
    {
        Simplified result = Simplified.From([4], (g, x) => g.Add("Identity", x));

        CollectionAssert.AreEqual(new[] { "Identity" }, result.Operators);
        Assert.Contains("its name", result.Refusals);
    }

    private static Value Longs(Graph graph, params long[] values) => graph.AddInitializer("i", Tensor.Vector(values));

    [TestMethod]
    public void A_slice_of_one_that_runs_back_from_an_open_end_stays_though_the_runtime_infers_the_same_size() =>
        Simplified.AssertLeaves(["Slice", "Slice", "Neg"], Simplified.From([5, 6], (g, x) =>
        {
            Value back = g.Add("Slice", x, Simplified.Longs(g, 2), Simplified.Longs(g, int.MaxValue), Simplified.Longs(g, 1), Simplified.Longs(g, -1));
            return g.Add("Neg", g.Add("Slice", back, Simplified.Longs(g, 2), Simplified.Longs(g, -1), Simplified.Longs(g, 1)));
        }));
}
