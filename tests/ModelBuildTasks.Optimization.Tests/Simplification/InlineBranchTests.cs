using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class InlineBranchTests
{
    [TestMethod]
    [DataRow(true, "Exp")]
    [DataRow(false, "Sqrt")]
    public void A_constant_condition_leaves_one_branch(bool condition, string op) =>
        AssertLeaves([op, "Neg"], Of(Choice(graph => graph.AddInitializer("condition", Tensor.Scalar(condition)), neg: true), Random(2, 3)));

    [TestMethod]
    public void A_condition_that_follows_from_fixed_dimensions_is_constant() =>
        AssertLeaves(["Exp", "Neg"], Of(Choice(Rank, neg: true), Random(2, 3)));

    [TestMethod]
    public void The_name_of_a_graph_output_stays() =>
        AssertLeaves(["Exp"], Of(Choice(Rank, neg: false), Random(2, 3)));

    [TestMethod]
    public void A_computed_condition_stays() =>
        CollectionAssert.Contains(Of(Choice(graph => graph.Add("Greater", graph.AddNode("ReduceMax", [graph.Inputs[0]]).Set("keepdims", 0L).Output, graph.AddInitializer("zero", Tensor.Scalar(0f))), neg: true), Random(2, 3)).Operators, "If");

    private static Value Rank(Graph graph) =>
        graph.Add("Equal", graph.Add("Size", graph.Add("Shape", graph.Inputs[0])), graph.AddInitializer("two", Tensor.Scalar(2L)));

    /// <summary>x[2, 3]: If(condition, eˣ, √x), negated or not.</summary>
    private static Model Choice(Func<Graph, Value> condition, bool neg)
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 2, 3));
        Value chosen = Branches.AddIf(condition(model.Graph), branch => branch.Add("Exp", x), branch => branch.Add("Sqrt", x));
        chosen.Type = new TensorType(ElementType.Float, 2, 3);
        model.Graph.AddOutput(neg ? model.Graph.Add("Neg", chosen) : chosen);
        return model;
    }
}
