using Google.Protobuf;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Onnx.Schema;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class ShapeInferenceTests
{
    private readonly Model model = Model.Create("g", 17, 8);
    private readonly Value x;

    public ShapeInferenceTests() => x = Graph.AddInput("x", new TensorType(ElementType.Float, "batch", 4, 6));

    private Graph Graph => model.Graph;

    [TestMethod]
    public void A_free_dimension_is_named_after_its_input()
    {
        Value y = Graph.Add("MatMul", Graph.Add("Relu", x), Simplified.Weight(Graph, 6, 5000));
        Graph.AddOutput(y);

        Assert.AreEqual("Float[x.0, 4, 5000]", TypeOf(y));
    }

    [TestMethod]
    public void A_stale_type_that_the_model_states_is_not_believed()
    {
        Value y = Graph.Add("Relu", x);
        y.Type = new TensorType(ElementType.Float, 1, 1);
        Graph.AddOutput(Graph.Add("Neg", y));

        Assert.AreEqual("Float[x.0, 4, 6]", TypeOf(y));
    }

    [TestMethod]
    public void Values_of_branches_have_types_and_so_has_the_outcome_that_both_agree_on()
    {
        Value inner = Branches(branch => branch.Add("Relu", x), branch => branch.Add("Neg", branch.Add("Exp", x)), out Value outcome);

        Assert.AreEqual("Float[x.0, 4, 6]", TypeOf(inner));
        Assert.AreEqual("Float[x.0, 4, 6]", TypeOf(outcome));
        Assert.AreEqual("Float[x.0, 4, 6]", TypeOf(outcome.Uses[0].Node.Output));
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

        Assert.AreEqual("Float[x.0, 4, 6]", TypeOf(innermost!));
        Assert.AreEqual("Float[x.0, 4, 6]", TypeOf(outcome));
    }

    [TestMethod]
    public void A_node_of_an_unknown_domain_costs_only_what_follows_from_it()
    {
        Value shape = Graph.Add("Shape", x);
        Value before = Graph.Add("Relu", x);
        Value custom = Custom(before);
        Value after = Graph.Add("Neg", custom);
        Value beside = Graph.Add("Expand", Graph.Add("Exp", x), shape);
        Graph.AddOutput(after);
        Graph.AddOutput(beside);

        Dictionary<Value, TensorType> types = ShapeInference.Infer(Graph);

        Assert.AreEqual("Float[x.0, 4, 6]", types[before].ToString());
        Assert.AreEqual("Float[?, 4, 6]", types[beside].ToString(), "Sizes that are computed are known, too.");
        Assert.IsFalse(types.ContainsKey(after));
    }

    [TestMethod]
    public void What_reads_a_node_of_an_unknown_domain_starts_from_the_element_type_and_rank_that_the_model_states()
    {
        Value custom = Custom(x);
        custom.Type = new TensorType(ElementType.Float, 1, 2);
        Value after = Graph.Add("MatMul", custom, Simplified.Weight(Graph, 2, 3));
        Graph.AddOutput(after);

        Assert.AreEqual("Float[?, 3]", TypeOf(after));
    }

    [TestMethod]
    public void Nodes_of_a_type_that_the_runtime_has_no_kernel_for_cost_only_what_follows_from_them()
    {
        Value narrow = Graph.AddInput("narrow", new TensorType(ElementType.BFloat16, 2, 3));
        for (int i = 0; i < 5; i++)
        {
            Graph.AddOutput(Graph.Add("Softplus", narrow));
            Graph.AddOutput(Graph.Add("Relu", x));
        }

        Dictionary<Value, TensorType> types = ShapeInference.Infer(Graph);

        Assert.HasCount(5, types);
        Assert.IsTrue(types.Keys.All(value => value.Producer!.OpType == "Relu"));
    }

    [TestMethod]
    public void A_function_of_the_model_is_seen_through()
    {
        FunctionProto twice = new() { Name = "Twice", Domain = "local", Input = { "a" }, Output = { "b" }, OpsetImport = { new OperatorSetIdProto { Version = 17 } } };
        twice.Node.Add(new NodeProto { OpType = "Concat", Input = { "a", "a" }, Output = { "b" }, Attribute = { new AttributeProto { Name = "axis", Type = 2, I = 1 } } });
        model.OpsetImports["local"] = 1;
        Graph.AddOutput(Graph.Add("Neg", Graph.AddNode("Twice", [x], domain: "local").Output));
        ModelProto proto = ModelProto.Parser.ParseFrom(model.ToBytes());
        proto.Functions.Add(twice);

        Graph graph = Model.Parse(proto.ToByteArray()).Graph;

        Assert.AreEqual("Float[x.0, 8, 6]", ShapeInference.Infer(graph)[graph.Outputs[0]].ToString());
    }

    [TestMethod]
    public void What_a_loop_carries_has_the_sizes_that_no_iteration_changes()
    {
        Node loop = Loop((body, _) => body.Add("Concat", x, x).Producer!.Set("axis", 1).Output, collected: false);
        Value after = Graph.Add("Neg", loop.Output);
        Graph.AddOutput(after);

        Assert.AreEqual("Float[x.0, ?, 6]", TypeOf(after));
    }

    [TestMethod]
    public void What_a_loop_carries_has_no_rank_when_its_iterations_change_that()
    {
        Node loop = Loop((body, carried) => body.Add("Unsqueeze", carried, Simplified.Longs(body, 0)), collected: false);
        Value after = Graph.Add("Neg", loop.Output);
        Graph.AddOutput(after);

        Assert.AreEqual("Float[…]", TypeOf(after));
    }

    [TestMethod]
    public void The_stated_shape_of_what_a_loop_carries_is_not_believed_inside_it()
    {
        Value? inner = null;
        Loop((body, carried) => inner = body.Add("Relu", carried), collected: false);
        RuleContext context = new(ShapeInference.Infer(Graph), TargetProfiles.Cpu);

        Assert.AreEqual("Float[…]", context.TypeOf(inner!)!.ToString());
        Assert.AreEqual("Float[…]", context.TypeOf(inner!.Producer!.Input(0)!)!.ToString());
    }

    [TestMethod]
    public void What_a_loop_collects_has_a_first_axis_of_unknown_size()
    {
        Node loop = Loop((body, carried) => body.Add("Relu", carried), collected: true);
        Value after = Graph.Add("Neg", loop.Outputs[1]);
        Graph.AddOutput(after);

        Assert.AreEqual("Float[?, x.0, 4, 6]", TypeOf(after));
    }

    [TestMethod]
    public void What_a_scan_carries_and_collects_is_known()
    {
        Value state = Graph.AddInput("state", new TensorType(ElementType.Float, 4, 6));
        Node scan = Graph.AddNode("Scan", [state, x], outputCount: 2).Set("num_scan_inputs", 1);
        Graph body = scan.AddGraph("body");
        Value sum = body.Add("Add", body.AddInput("sum", new TensorType(ElementType.Float, 4, 6)), body.AddInput("slice", new TensorType(ElementType.Float, 4, 6)));
        body.AddOutput(sum);
        body.AddOutput(body.Add("ReduceSum", sum, Simplified.Longs(body, 0)));
        Value carried = Graph.Add("Neg", scan.Outputs[0]);
        Value collected = Graph.Add("Neg", scan.Outputs[1]);
        Graph.AddOutput(carried);
        Graph.AddOutput(collected);

        Assert.AreEqual("Float[4, 6]", TypeOf(carried));
        Assert.AreEqual("Float[?, 1, 6]", TypeOf(collected));
    }

    [TestMethod]
    public void A_node_that_holds_other_graphs_has_the_element_type_and_rank_that_the_model_states()
    {
        Node map = Graph.AddNode("SequenceMap", [Graph.Add("SequenceConstruct", x)]);
        Graph body = map.AddGraph("body");
        body.AddOutput(body.Add("Relu", body.AddInput("element", new TensorType(ElementType.Float, (IReadOnlyList<Dimension>?)null))));
        Value first = Graph.Add("SequenceAt", map.Output, Graph.AddInitializer("index", Tensor.Scalar(0L)));
        first.Type = new TensorType(ElementType.Float, 9, 9, 9);
        Value after = Graph.Add("Neg", first);
        Graph.AddOutput(after);

        Assert.AreEqual("Float[?, ?, ?]", TypeOf(after));
    }

    private Value Custom(Value input)
    {
        model.OpsetImports["somewhere.else"] = 1;
        return Graph.AddNode("Foo", [input], domain: "somewhere.else").Output;
    }

    /// <summary>A loop that carries x, for which its body states the type of the first iteration, and may collect x of each iteration.</summary>
    private Node Loop(Func<Graph, Value, Value> step, bool collected)
    {
        Node loop = Graph.AddNode("Loop", [Graph.AddInput("count", new TensorType(ElementType.Int64)), null, x], outputCount: collected ? 2 : 1);
        Graph body = loop.AddGraph("body");
        body.AddInput("i", new TensorType(ElementType.Int64));
        body.AddOutput(body.Add("Identity", body.AddInput("going", new TensorType(ElementType.Bool))));
        body.AddOutput(step(body, body.AddInput("carried", x.Type!)));
        if (collected)
        {
            body.AddOutput(body.Add("Abs", x));
        }

        Graph.AddOutput(loop.Output);
        return loop;
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

    [TestMethod]
    public void Before_operator_set_11_too_a_choice_has_the_shape_of_neither_branch()
    {
        foreach (long opset in new long[] { 9, 11, 13 })
        {
            Model old = Model.Create("g", opset, 4);
            Value condition = old.Graph.AddInput("c", new TensorType(ElementType.Bool));
            Value input = old.Graph.AddInput("x", new TensorType(ElementType.Float, "N", 3));
            Value chosen = Optimization.Tests.Branches.AddIf(condition, branch => branch.Add("Identity", branch.AddInitializer("w", Simplified.Random(1, 3))), branch => branch.Add("Relu", input));
            old.Graph.AddOutput(old.Graph.AddNode("Cast", [old.Graph.Add("Shape", chosen)]).Set("to", (long)ElementType.Float).Output);

            Simplified.Of(old, Tensor.Scalar(false), Simplified.Random(2, 3));
        }
    }

    [TestMethod]
    public void What_a_loop_carries_may_grow_whatever_its_body_states()
    {
        Model growing = Model.Create("g", 17, 8);
        Value input = growing.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 2));
        Node loop = growing.Graph.AddNode("Loop", [growing.Graph.AddInitializer("n", Tensor.Scalar(3L)), growing.Graph.AddInitializer("c", Tensor.Scalar(true)), input]);
        Graph body = loop.AddGraph("body");
        body.AddInput("iteration", new TensorType(ElementType.Int64, []));
        Value goesOn = body.AddInput("goes_on", new TensorType(ElementType.Bool, []));
        Value carried = body.AddInput("carried", new TensorType(ElementType.Float, 1, 2));
        Value rows = body.Add("Gather", body.AddNode("Cast", [body.Add("Shape", carried)]).Set("to", (long)ElementType.Float).Output, body.AddInitializer("first", Tensor.Scalar(0L)));
        body.AddOutput(body.Add("Identity", goesOn));
        body.AddOutput(body.AddNode("Concat", [carried, body.Add("Mul", input, rows)]).Set("axis", 0L).Output);
        growing.Graph.AddOutput(loop.Output);

        Simplified.Of(growing, Simplified.Random(1, 2));
    }
}
