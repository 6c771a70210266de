using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class FuseRmsNormalizationTests
{
    [TestMethod]
    [DataRow("Div")]
    [DataRow("Reciprocal")]
    [DataRow("one over")]
    public void The_root_of_the_mean_square_below_becomes_one_node(string form) =>
        AssertLeaves(["RMSNormalization"], From(["n", 3, 8], (g, x) => Normalized(g, x, form, -1), opset: 23));

    [TestMethod]
    public void An_older_operator_set_keeps_it_and_says_why()
    {
        Simplified result = From(["n", 3, 8], (g, x) => Normalized(g, x, "Div", -1), opset: 18);

        CollectionAssert.Contains(result.Operators, "Sqrt");
        Assert.Contains("needs operator set 23, and the model has 18", result.Refusals);
    }

    [TestMethod]
    public void Another_axis_than_the_last_keeps_it() =>
        CollectionAssert.Contains(From(["n", 8, 8], (g, x) => Normalized(g, x, "Div", 1), opset: 23).Operators, "Sqrt");

    [TestMethod]
    public void A_root_that_is_read_otherwise_keeps_it_and_says_why()
    {
        Simplified result = From([2, 3, 8], (g, x) =>
        {
            Value normalized = Normalized(g, x, "Div", -1);
            return g.Add("Add", normalized, g.Nodes.First(node => node.OpType == "Sqrt").Output);
        }, opset: 23);

        CollectionAssert.Contains(result.Operators, "Sqrt");
        Assert.Contains("is used by another node", result.Refusals);
    }

    private static Value Normalized(Graph g, Value x, string form, long axis)
    {
        Value root = g.Add("Sqrt", g.Add("Add", g.Add("ReduceMean", g.Add("Pow", x, Number(g, 2)), Longs(g, axis)), Number(g, 1e-5f)));
        Value divided = form switch
        {
            "Div" => g.Add("Div", x, root),
            "Reciprocal" => g.Add("Mul", g.Add("Reciprocal", root), x),
            _ => g.Add("Mul", x, g.Add("Div", Number(g, 1), root)),
        };
        return g.Add("Mul", Weight(g, 8), divided);
    }

    private static Value Number(Graph g, float value) => g.AddInitializer("number", Tensor.Scalar(value));
}
