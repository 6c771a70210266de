using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class ShapeInferenceTests
{
    private readonly Model model = Model.Create("g", 17, 8);
    private readonly Value x;

    public ShapeInferenceTests() => x = Graph.AddInput("x", new TensorType(ElementType.Float, "batch", 4, 6));

    private Graph Graph => model.Graph;

    [TestMethod]
    public void A_free_dimension_keeps_its_name()
    {
        Value y = Graph.Add("MatMul", Graph.Add("Relu", x), Simplified.Weight(Graph, 6, 5000));
        Graph.AddOutput(y);

        Assert.AreEqual("Float[batch, 4, 5000]", TypeOf(y));
    }

    [TestMethod]
    public void A_stale_type_that_the_model_states_is_not_believed()
    {
        Value y = Graph.Add("Relu", x);
        y.Type = new TensorType(ElementType.Float, 1, 1);
        Graph.AddOutput(Graph.Add("Neg", y));

        Assert.AreEqual("Float[batch, 4, 6]", TypeOf(y));
    }

    [TestMethod]
    public void Values_of_branches_have_types_and_so_has_the_outcome_that_both_agree_on()
    {
        Value inner = Branches(branch => branch.Add("Relu", x), branch => branch.Add("Neg", branch.Add("Exp", x)), out Value outcome);

        Assert.AreEqual("Float[batch, 4, 6]", TypeOf(inner));
        Assert.AreEqual("Float[batch, 4, 6]", TypeOf(outcome));
        Assert.AreEqual("Float[batch, 4, 6]", TypeOf(outcome.Uses[0].Node.Output));
    }

    [TestMethod]
    public void An_outcome_whose_rank_the_branches_differ_in_has_its_element_type_alone()
    {
        Branches(branch => branch.Add("Relu", x), branch => branch.Add("Reshape", x, branch.AddInitializer("flat", Tensor.Vector(-1L))), out Value outcome);

        Assert.AreEqual("Float[…]", TypeOf(outcome));
    }

    [TestMethod]
    public void A_branch_in_a_branch_is_seen_into()
    {
        Value condition = Graph.AddInput("condition", new TensorType(ElementType.Bool));
        Value? innermost = null;
        Branches(
            branch =>
            {
                Node choice = branch.AddNode("If", [condition]);
                foreach (string name in new[] { "then_branch", "else_branch" })
                {
                    Graph nested = choice.AddGraph(name);
                    innermost = nested.Add("Relu", x);
                    nested.AddOutput(innermost);
                }

                return branch.Add("Neg", choice.Output);
            },
            branch => branch.Add("Exp", x),
            out Value outcome);

        Assert.AreEqual("Float[batch, 4, 6]", TypeOf(innermost!));
        Assert.AreEqual("Float[batch, 4, 6]", TypeOf(outcome));
    }

    [TestMethod]
    public void What_follows_an_operator_of_unknown_type_is_left_out_and_the_rest_is_known()
    {
        Value known = Graph.Add("Relu", x);
        Node loop = Graph.AddNode("Loop", [Graph.AddInitializer("count", Tensor.Scalar(2L)), null, x]);
        Graph body = loop.AddGraph("body");
        body.AddInput("i", new TensorType(ElementType.Int64));
        Value going = body.AddInput("going", new TensorType(ElementType.Bool));
        Value carried = body.AddInput("carried", new TensorType(ElementType.Float, (IReadOnlyList<Dimension>?)null));
        body.AddOutput(body.Add("Identity", going));
        Value next = body.Add("Relu", carried);
        body.AddOutput(next);
        Value after = Graph.Add("Add", known, loop.Output);
        Graph.AddOutput(after);

        Dictionary<Value, TensorType> types = ShapeInference.Infer(Graph);

        Assert.AreEqual("Float[batch, 4, 6]", types[known].ToString());
        Assert.AreEqual("Float[…]", types[next].ToString());
        Assert.IsFalse(types.ContainsKey(after));
    }

    private Value Branches(Func<Graph, Value> taken, Func<Graph, Value> other, out Value outcome)
    {
        Node choice = Graph.AddNode("If", [Graph.AddInput("choose", new TensorType(ElementType.Bool))]);
        Graph branch = choice.AddGraph("then_branch");
        Value inner = taken(branch);
        branch.AddOutput(inner);
        Graph alternative = choice.AddGraph("else_branch");
        alternative.AddOutput(other(alternative));
        outcome = choice.Output;
        Graph.AddOutput(Graph.Add("Abs", outcome));
        return inner;
    }

    private string TypeOf(Value value) => ShapeInference.Infer(Graph)[value].ToString();
}
