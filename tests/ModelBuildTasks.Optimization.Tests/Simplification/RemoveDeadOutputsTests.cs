using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class RemoveDeadOutputsTests
{
    private readonly Model model = Model.Create("g", 17, 8);
    private readonly Value x;

    public RemoveDeadOutputsTests() => x = Graph.AddInput("x", new TensorType(ElementType.Float, 2, 3));

    private Graph Graph => model.Graph;

    [TestMethod]
    public void An_output_of_an_If_that_nobody_reads_goes_with_what_only_it_needs()
    {
        Value weight = Weight(Graph, 3);
        Node choice = Choice(branch => [branch.Add("Exp", x), branch.Add("Mul", x, weight)], branch => [branch.Add("Neg", x), branch.Add("Add", x, weight)]);
        Finish(choice.Outputs[0]);

        Simplify();

        AssertOperators(choice, "then_branch", "Exp");
        AssertOperators(choice, "else_branch", "Neg");
        Assert.HasCount(1, choice.Outputs);
        Assert.IsEmpty(Graph.Initializers.Where(value => value.Initializer!.Length == 3));
    }

    [TestMethod]
    public void The_outputs_behind_it_move_up()
    {
        Node choice = Choice(branch => [branch.Add("Mul", x, x), branch.Add("Exp", x)], branch => [branch.Add("Add", x, x), branch.Add("Neg", x)]);
        Finish(choice.Outputs[1]);

        Simplify();

        AssertOperators(choice, "then_branch", "Exp");
    }

    [TestMethod]
    public void One_value_that_a_branch_hands_out_at_two_places_stays_at_the_other()
    {
        Node choice = Choice(
            branch =>
            {
                Value twice = branch.Add("Exp", x);
                return [twice, branch.Add("Sqrt", x), twice];
            },
            branch => [branch.Add("Neg", x), branch.Add("Abs", x), branch.Add("Tanh", x)]);
        Finish(Graph.Add("Sub", choice.Outputs[1], choice.Outputs[2]));

        Simplify();

        Assert.HasCount(2, choice.Outputs);
        AssertOperators(choice, "else_branch", "Abs", "Tanh");
    }

    [TestMethod]
    public void What_a_loop_collects_and_nobody_reads_goes()
    {
        Node loop = Loop();
        Finish(loop.Outputs[0]);

        Simplify();

        Assert.HasCount(1, loop.Outputs);
        Assert.HasCount(2, loop.GetGraph("body")!.Outputs);
        CollectionAssert.DoesNotContain(Operators(loop, "body"), "Exp");
    }

    [TestMethod]
    public void What_a_loop_carries_stays()
    {
        Node loop = Loop();
        Finish(Graph.Add("ReduceSum", loop.Outputs[1], Longs(Graph, 0)));

        Simplify();

        Assert.HasCount(2, loop.Outputs);
    }

    [TestMethod]
    [DataRow(false, 1)]
    [DataRow(true, 2, DisplayName = "but not where attributes speak of outputs by their place")]
    public void What_a_scan_collects_and_nobody_reads_goes(bool statesAxes, int outputs)
    {
        Node scan = Graph.AddNode("Scan", [x], outputCount: 2).Set("num_scan_inputs", 1);
        if (statesAxes)
        {
            scan.Set("scan_output_axes", [0L, 0]);
        }

        Graph body = scan.AddGraph("body");
        Value row = body.AddInput("row", new TensorType(ElementType.Float, 3));
        body.AddOutput(body.Add("Exp", row));
        body.AddOutput(body.Add("Neg", row));
        Finish(scan.Outputs[1]);

        Simplify();

        Assert.HasCount(outputs, scan.Outputs);
    }

    private void Simplify() => Of(model, Random(2, 3));

    private void Finish(Value output) => Graph.AddOutput(Graph.Add("Sigmoid", output));

    /// <summary>An If of three outputs or fewer; which branch is taken depends on x.</summary>
    private Node Choice(Func<Graph, Value[]> taken, Func<Graph, Value[]> other)
    {
        Value largest = Graph.AddNode("ReduceMax", [x]).Set("keepdims", 0L).Output;
        Node choice = Graph.AddNode("If", [Graph.Add("Greater", largest, Graph.AddInitializer("zero", Tensor.Scalar(0f)))], outputCount: 3);
        foreach ((string name, Func<Graph, Value[]> fill) in new[] { ("then_branch", taken), ("else_branch", other) })
        {
            Graph branch = choice.AddGraph(name);
            foreach (Value result in fill(branch))
            {
                branch.AddOutput(result);
            }
        }

        while (choice.Outputs.Count > choice.GetGraph("then_branch")!.Outputs.Count)
        {
            choice.RemoveOutput(choice.Outputs.Count - 1);
        }

        return choice;
    }

    /// <summary>Two iterations that carry √carried and collect eˣ.</summary>
    private Node Loop()
    {
        Node loop = Graph.AddNode("Loop", [Graph.AddInitializer("count", Tensor.Scalar(2L)), null, x], outputCount: 2);
        Graph body = loop.AddGraph("body");
        body.AddInput("i", new TensorType(ElementType.Int64));
        body.AddOutput(body.Add("Identity", body.AddInput("going", new TensorType(ElementType.Bool))));
        Value carried = body.AddInput("carried", new TensorType(ElementType.Float, 2, 3));
        body.AddOutput(body.Add("Sqrt", carried));
        body.AddOutput(body.Add("Exp", carried));
        return loop;
    }

    private static void AssertOperators(Node node, string graph, params string[] operators) => CollectionAssert.AreEqual(operators, Operators(node, graph));

    private static string[] Operators(Node node, string graph) => [.. node.GetGraph(graph)!.Nodes.Select(inner => inner.OpType)];
}
