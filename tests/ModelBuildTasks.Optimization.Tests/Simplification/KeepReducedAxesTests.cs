using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class KeepReducedAxesTests
{
    [TestMethod]
    public void Axes_that_come_back_are_kept() =>
        AssertLeaves(["ReduceMean"], From(["n", 3, "m"], (g, x) => g.Add("Unsqueeze", Reduced(g, "ReduceMean", x, 0), Longs(g, 2, 1))));

    [TestMethod]
    public void Kept_axes_that_are_squeezed_are_dropped() =>
        AssertLeaves(["ReduceMax"], From(["n", 3, "m"], (g, x) => g.Add("Squeeze", Reduced(g, "ReduceMax", x, 1), Longs(g, 1, -1))));

    [TestMethod]
    public void Axes_as_an_input_are_read() =>
        AssertLeaves(["ReduceSum"], From(["n", 3, "m"], (g, x) => g.Add("Unsqueeze", g.AddNode("ReduceSum", [x, Longs(g, 1)]).Set("keepdims", 0L).Output, Longs(g, 1))));

    [TestMethod]
    public void The_axis_of_a_maximum_is_not_kept_as_ONNX_Runtime_crashes_on_some_of_them()
    {
        Simplified result = From([2, 2, 4, 1], (g, x) =>
        {
            Value squeezed = g.Add("Squeeze", g.AddNode("Transpose", [x]).Set("perm", [1L, 2, 0, 3]).Output, Longs(g, 3));
            Value unsqueezed = g.Add("Unsqueeze", g.AddNode("ArgMax", [squeezed]).Set("axis", 0L).Set("keepdims", 0L).Output, Longs(g, 0));
            return g.Add("MatMul", Float(g, unsqueezed), Weight(g, 2, 3));
        });

        CollectionAssert.Contains(result.Operators, "Unsqueeze");
        Assert.Contains("crashes on some models", result.Refusals);
    }

    [TestMethod]
    public void The_axis_of_a_maximum_that_is_squeezed_is_dropped() =>
        AssertLeaves(["ArgMax", "Cast"], From(["n", 3, "m"], (g, x) => Float(g, g.Add("Squeeze", g.AddNode("ArgMax", [x]).Set("axis", -1L).Output, Longs(g, 2)))));

    [TestMethod]
    public void Axes_are_counted_from_the_front_as_ONNX_Runtime_reduces_nothing_empty_along_negative_ones()
    {
        Model model = Model.Create("g", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, "n", 3));
        Value mean = model.Graph.AddNode("ReduceMean", [x]).Set("axes", [-1L]).Set("keepdims", 0L).Output;
        model.Graph.AddOutput(model.Graph.Add("Unsqueeze", mean, Longs(model.Graph, -1)));

        new GraphSimplification().Apply(model, new PassContext(TargetProfiles.Cpu));

        using ModelSession session = ModelSession.Open(model);
        CollectionAssert.AreEqual(new long[] { 0, 1 }, session.Run([Tensor.Create<float>([0, 3], [])])[0].Dimensions.ToArray());
    }

    [TestMethod]
    public void Other_axes_stay() =>
        AssertLeaves(["ReduceMean", "Unsqueeze"], From(["n", 3, "m"], (g, x) => g.Add("Unsqueeze", Reduced(g, "ReduceMean", x, 0), Longs(g, 0, 1))));

    [TestMethod]
    public void A_reduction_that_is_read_otherwise_stays_and_says_why()
    {
        Simplified result = From([2, 3, 4], (g, x) =>
        {
            Value mean = Reduced(g, "ReduceMean", x, 0);
            return g.Add("Add", g.Add("Unsqueeze", mean, Longs(g, 1, 2)), mean);
        });

        CollectionAssert.Contains(result.Operators, "Unsqueeze");
        Assert.Contains("is used by another node", result.Refusals);
    }

    private static Value Reduced(Graph g, string op, Value x, long keep) => g.AddNode(op, [x]).Set("axes", [1L, 2]).Set("keepdims", keep).Output;

    private static Value Float(Graph g, Value x) => g.AddNode("Cast", [x]).Set("to", (long)ElementType.Float).Output;
}
