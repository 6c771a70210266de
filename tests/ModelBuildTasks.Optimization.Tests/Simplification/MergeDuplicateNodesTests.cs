using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

[TestClass]
public class MergeDuplicateNodesTests
{
    [TestMethod]
    public void Twin_nodes_become_one()
    {
        Simplified result = Simplified.From([4], (g, x) => g.Add("Add", g.Add("Exp", x), g.Add("Exp", x)));

        CollectionAssert.AreEqual(new[] { "Exp", "Add" }, result.Operators);
    }

    [TestMethod]
    public void Constants_with_the_same_elements_count_as_one_input() =>
        AssertLeaves(["Pow", "Add"], From([4], (g, x) => g.Add("Add", g.Add("Pow", x, g.AddInitializer("a", Tensor.Scalar(3f))), g.Add("Pow", x, g.AddInitializer("b", Tensor.Scalar(3f))))));

    [TestMethod]
    public void Nodes_with_different_attributes_stay() =>
        AssertLeaves(["Softmax", "Softmax", "Add"], From([2, 4], (g, x) => g.Add("Add", g.AddNode("Softmax", [x]).Set("axis", 0L).Output, g.AddNode("Softmax", [x]).Set("axis", 1L).Output)));

    [TestMethod]
    public void A_node_in_a_branch_reads_its_twin_outside()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 3, 4));
        Value outside = model.Graph.Add("Exp", x);
        Value chosen = Branches.AddIf(Condition(model.Graph, x), branch => branch.Add("Neg", branch.Add("Exp", x)), branch => branch.Add("Sqrt", branch.Add("Exp", x)));
        model.Graph.AddOutput(model.Graph.Add("Add", chosen, outside));

        Simplified result = Of(model, Random(3, 4));

        Assert.AreEqual(1, result.Model.Graph.WithSubgraphs().SelectMany(graph => graph.Nodes).Count(node => node.OpType == "Exp"));
    }

    [TestMethod]
    public void A_branch_that_hands_the_duplicate_out_keeps_it()
    {
        Model model = Model.Create("g", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 3, 4));
        Value outside = model.Graph.Add("Exp", x);
        Value chosen = Branches.AddIf(Condition(model.Graph, x), branch => branch.Add("Exp", x), branch => branch.Add("Neg", x));
        model.Graph.AddOutput(model.Graph.Add("Add", chosen, outside));

        Of(model, Random(3, 4));
    }

    [TestMethod]
    public void The_same_name_in_another_domain_is_another_operator()
    {
        Simplified result = From([4], (g, x) =>
        {
            g.Model.OpsetImports["com.microsoft"] = 1;
            return g.Add("Add", g.Add("Gelu", x), g.AddNode("Gelu", [x], domain: "com.microsoft").Output);
        }, opset: 20);

        AssertLeaves(["Gelu", "Gelu", "Add"], result);
    }

    [TestMethod]
    public void Custom_operators_stay_since_they_may_differ_from_call_to_call()
    {
        Model model = Model.Create("g", 17, 8);
        model.OpsetImports["acme"] = 1;
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 4));
        model.Graph.AddOutput(model.Graph.Add("Add", model.Graph.AddNode("Draw", [x], domain: "acme").Output, model.Graph.AddNode("Draw", [x], domain: "acme").Output));

        new GraphSimplification().Apply(model, new PassContext(TargetProfiles.Cpu));

        Assert.HasCount(3, model.Graph.Nodes);
    }

    [TestMethod]
    public void Layers_with_equal_weights_become_one()
    {
        Simplified result = From([1, 8, 6, 6], (g, x) =>
        {
            Tensor weight = Random(16, 8, 3, 3);
            Value Layer() => g.Add("Conv", x, g.AddInitializer("w", Tensor.Create([16, 8, 3, 3], weight.Span<float>().ToArray())));
            return g.Add("Add", g.Add("Relu", Layer()), g.Add("Sigmoid", Layer()));
        });

        AssertLeaves(["Conv", "Relu", "Sigmoid", "Add"], result);
        Assert.IsFalse(new GraphSimplification().Apply(result.Model, new PassContext(TargetProfiles.Cpu)).Changed);
    }

    [TestMethod]
    public void Twins_are_found_by_their_attributes_in_whatever_order_these_stand()
    {
        Simplified result = From([1, 2, 6, 6], (g, x) => g.Add("Add",
            g.AddNode("MaxPool", [x]).Set("kernel_shape", [2L, 2]).Set("strides", [2L, 2]).Output,
            g.AddNode("MaxPool", [x]).Set("strides", [2L, 2]).Set("kernel_shape", [2L, 2]).Output));

        AssertLeaves(["MaxPool", "Add"], result);
    }

    private static Value Condition(Graph graph, Value x) =>
        graph.Add("Greater", graph.AddNode("ReduceSum", [x]).Set("keepdims", 0L).Output, graph.AddInitializer("zero", Tensor.Scalar(0f)));
}
