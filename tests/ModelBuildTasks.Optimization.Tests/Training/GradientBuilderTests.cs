using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class GradientBuilderTests
{
    [TestMethod]
    public void Names_an_operator_without_a_rule()
    {
        GradientException exception = Assert.ThrowsExactly<GradientException>(() => GradientCheck.Verify((graph, v) => graph.Add("Det", v[0]), [3, 3]));
        StringAssert.Contains(exception.Message, "Det", StringComparison.Ordinal);
    }

    [TestMethod]
    public void Needs_no_rule_where_no_parameter_lies_behind()
    {
        GradientCheck.Verify((graph, v) => graph.Add("Mul", v[0], graph.Add("Det", graph.AddInitializer("fixed", Tensor.Create([1, 1], [2f])))), [3]);
    }

    [TestMethod]
    public void Trains_the_rest_and_names_what_an_operator_without_a_rule_keeps_from_it()
    {
        Model model = Model.Create("gap", opset: 17, irVersion: 8);
        Graph graph = model.Graph;
        Value x = graph.AddInput("x", new TensorType(ElementType.Float, 2, 2));
        Value before = graph.AddInitializer("before", GradientCheck.Draw([2, 2], seed: 1));
        Value after = graph.AddInitializer("after", Tensor.Vector(3f));
        Value loss = graph.Add("Mul", graph.Add("Det", graph.Add("MatMul", x, before)), after);
        graph.AddOutput(loss);

        GradientModel gradient = GradientBuilder.Build(model, loss.Name, ["before", "after"], [GradientCheck.Draw([2, 2], seed: 2)]);

        CollectionAssert.AreEqual(new[] { "after" }, gradient.Parameters.ToArray());
        GradientGap gap = gradient.Gaps.Single();
        Assert.AreEqual("Det", gap.OpType);
        CollectionAssert.AreEqual(new[] { "before" }, gap.Parameters.ToArray());
        Assert.IsNotNull(gradient.Model.Graph.Find("before")!.Initializer, "an untrained weight stays a constant");
    }

    [TestMethod]
    [DataRow(ElementType.Double, "Tanh")]
    [DataRow(ElementType.Float16, "Sub")]
    public void Trains_the_rest_and_names_an_operator_that_computes_in_another_type(ElementType type, string opType)
    {
        Model model = Model.Create("island", opset: 17, irVersion: 8);
        Graph graph = model.Graph;
        Value x = graph.AddInput("x", new TensorType(ElementType.Float, 2, 2));
        Value before = graph.AddInitializer("before", GradientCheck.Draw([2, 2], seed: 1));
        Value after = graph.AddInitializer("after", GradientCheck.Draw([2, 2], seed: 3));
        Value inside = graph.AddNode("Cast", [graph.Add("MatMul", x, before)]).Set("to", (long)type).Output;
        Value island = graph.AddNode(opType, opType == "Sub" ? [inside, graph.Add("Sqrt", graph.Add("Abs", inside))] : [inside]).Output;
        Value outside = graph.AddNode("Cast", [island]).Set("to", (long)ElementType.Float).Output;
        Value loss = graph.AddNode("ReduceSum", [graph.Add("Mul", outside, after)]).Set("keepdims", 0).Output;
        graph.AddOutput(loss);

        GradientModel gradient = GradientBuilder.Build(model, loss.Name, ["before", "after"], [GradientCheck.Draw([2, 2], seed: 2)]);

        CollectionAssert.AreEqual(new[] { "after" }, gradient.Parameters.ToArray());
        GradientGap gap = gradient.Gaps.Single();
        Assert.AreEqual(opType, gap.OpType);
        Assert.Contains($"it computes in {type}", gap.Reason);
        CollectionAssert.AreEqual(new[] { "before" }, gap.Parameters.ToArray());
        using ModelSession session = ModelSession.Open(gradient.Model);
    }

    [TestMethod]
    public void Names_a_recurrent_layer_that_computes_in_another_type()
    {
        Model model = Model.Create("island", opset: 17, irVersion: 8);
        Graph graph = model.Graph;
        Value Half(Value value) => graph.AddNode("Cast", [value]).Set("to", (long)ElementType.Float16).Output;
        Value weight = graph.AddInitializer("weight", GradientCheck.Draw([1, 2, 3], seed: 1));
        Value x = graph.AddInput("x", new TensorType(ElementType.Float, 4, 1, 3)), recurrent = graph.AddInitializer("recurrent", GradientCheck.Draw([1, 2, 2], seed: 2));
        Node layer = graph.AddNode("RNN", [Half(x), Half(weight), Half(recurrent)]).Set("hidden_size", 2);
        Value loss = graph.AddNode("ReduceSum", [graph.AddNode("Cast", [layer.Output]).Set("to", (long)ElementType.Float).Output]).Set("keepdims", 0).Output;
        graph.AddOutput(loss);

        GradientException fault = Assert.ThrowsExactly<GradientException>(() => GradientBuilder.Build(model, loss.Name, ["weight"], [GradientCheck.Draw([4, 1, 3], seed: 3)]));

        Assert.Contains("No gradient through RNN", fault.Message);
        Assert.Contains("it computes in Float16", fault.Message);
    }

    [TestMethod]
    [DataRow("Add")]
    [DataRow("Sub")]
    [DataRow("Mul")]
    [DataRow("Div")]
    [DataRow("Sum")]
    public void Passes_arithmetic_in_double(string opType) =>
        VerifyInDouble((graph, v) => graph.Add(opType, v[0], v[1]), [2, 3], [3]);

    [TestMethod]
    public void Passes_products_in_double() => VerifyInDouble((graph, v) => graph.Add("MatMul", v[0], v[1]), [4, 2, 3], [3, 5]);

    [TestMethod]
    public void Passes_what_only_moves_elements_in_half_precision()
    {
        Model model = Model.Create("moved", opset: 17, irVersion: 8);
        Graph graph = model.Graph;
        Value half = graph.AddNode("Cast", [graph.AddInitializer("w", GradientCheck.Draw([2, 3], seed: 1))]).Set("to", (long)ElementType.Float16).Output;
        Value turned = graph.AddNode("Concat", [graph.Add("Transpose", half), graph.Add("Reshape", half, graph.AddInitializer("shape", Tensor.Vector(3L, 2)))]).Set("axis", 0).Output;
        Value loss = graph.AddNode("ReduceSum", [graph.AddNode("Cast", [turned]).Set("to", (long)ElementType.Float).Output]).Set("keepdims", 0).Output;
        graph.AddOutput(loss);

        using ModelSession session = ModelSession.Open(GradientBuilder.Build(model, loss.Name, ["w"], []).Model);

        CollectionAssert.AreEqual(new[] { 2f, 2, 2, 2, 2, 2 }, session.Run([GradientCheck.Draw([2, 3], seed: 1)])[1].ToSingles());
    }

    [TestMethod]
    public void Passes_what_only_moves_elements_in_double() =>
        VerifyInDouble(
            (graph, v) =>
            {
                Value turned = graph.AddNode("Transpose", [v[0]]).Set("perm", [1, 0]).Output;
                Value wide = graph.Add("Expand", v[1], graph.AddInitializer("shape", Tensor.Vector(3L, 2)));
                return graph.Add("Reshape", graph.AddNode("Concat", [turned, wide]).Set("axis", 0).Output, graph.AddInitializer("flat", Tensor.Vector(-1L)));
            },
            [2, 3],
            [3, 1]);

    [TestMethod]
    public void Gives_no_gradient_that_lacks_the_part_of_a_path()
    {
        Model model = Model.Create("gap", opset: 17, irVersion: 8);
        Graph graph = model.Graph;
        Value shared = graph.AddInitializer("shared", GradientCheck.Draw([2, 2], seed: 1));
        Value free = graph.AddInitializer("free", Tensor.Create([2, 2], [1f, 2, 3, 4]));
        Value loss = graph.Add("Add", graph.Add("Det", shared), graph.Add("Mul", shared, free));
        graph.AddOutput(loss);

        GradientModel gradient = GradientBuilder.Build(model, loss.Name, ["shared", "free"], []);

        CollectionAssert.AreEqual(new[] { "free" }, gradient.Parameters.ToArray());
    }

    [TestMethod]
    public void Counts_what_a_nested_graph_captures_as_read()
    {
        Model model = Model.Create("captured", opset: 17, irVersion: 8);
        Graph graph = model.Graph;
        Value condition = graph.AddInput("condition", new TensorType(ElementType.Bool, Array.Empty<Dimension>()));
        Value captured = graph.AddInitializer("captured", Tensor.Vector(2f));
        Node branches = graph.AddNode("If", [condition]);
        foreach (string name in new[] { "then_branch", "else_branch" })
        {
            Graph branch = branches.AddGraph(name);
            Value result = branch.Add("Mul", captured, captured);
            result.Type = new TensorType(ElementType.Float, 1);
            branch.AddOutput(result);
        }

        Value free = graph.AddInitializer("free", Tensor.Vector(3f));
        Value loss = graph.Add("Mul", graph.Add("Add", branches.Output, captured), free);
        graph.AddOutput(loss);

        GradientModel gradient = GradientBuilder.Build(model, loss.Name, ["captured", "free"], [Tensor.Scalar(true)]);

        CollectionAssert.AreEqual(new[] { "free" }, gradient.Parameters.ToArray());
        Assert.AreEqual("If", gradient.Gaps.Single().OpType);
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Goes_into_the_branch_that_a_constant_condition_takes(bool condition) =>
        GradientCheck.Verify(
            (graph, v) =>
            {
                Node branches = graph.AddNode("If", [graph.AddInitializer("condition", Tensor.Scalar(condition))]);
                foreach ((string name, string opType) in new[] { ("then_branch", "Exp"), ("else_branch", "Tanh") })
                {
                    Graph branch = branches.AddGraph(name);
                    Value result = branch.Add("Mul", branch.Add(opType, v[0]), v[1]);
                    result.Type = new TensorType(ElementType.Float, 3);
                    branch.AddOutput(result);
                }

                return branches.Output;
            },
            [3],
            [3]);

    [TestMethod]
    public void Sums_over_every_path_of_a_residual_connection() =>
        GradientCheck.Verify((graph, v) => graph.Add("Add", v[0], graph.Add("Relu", graph.Add("MatMul", v[0], v[1]))), [2, 3], [3, 3]);

    [TestMethod]
    public void Leaves_the_forward_model_as_it_was()
    {
        Model model = Line(out Value loss);
        byte[] before = model.ToBytes();
        GradientBuilder.Build(model, loss.Name, ["w"], [Tensor.Vector(2f)]);
        CollectionAssert.AreEqual(before, model.ToBytes());
    }

    [TestMethod]
    public void Keeps_outputs_and_adds_gradients_behind_them()
    {
        Model model = Line(out Value loss);
        GradientModel gradient = GradientBuilder.Build(model, loss.Name, ["w"], [Tensor.Vector(2f)]);
        using ModelSession session = ModelSession.Open(gradient.Model);
        CollectionAssert.AreEqual(new[] { "x", "w" }, session.Inputs.Select(input => input.Name).ToArray());

        IReadOnlyList<Tensor> results = session.Run([Tensor.Vector(2f), Tensor.Vector(10f)]);

        Assert.AreEqual(20f, results[0].ToSingles()[0]);
        Assert.AreEqual(2f, results[1].ToSingles()[0]);
    }

    [TestMethod]
    public void Refuses_names_that_are_not_there()
    {
        Model model = Line(out Value loss);
        Assert.ThrowsExactly<GradientException>(() => GradientBuilder.Build(model, "nothing", ["w"], [Tensor.Vector(2f)]));
        Assert.ThrowsExactly<GradientException>(() => GradientBuilder.Build(model, loss.Name, ["nothing"], [Tensor.Vector(2f)]));
    }

    [TestMethod]
    public void Refuses_a_parameter_that_the_loss_does_not_depend_on()
    {
        Model model = Line(out Value loss);
        Value other = model.Graph.AddInitializer("other", Tensor.Vector(1f));
        model.Graph.AddOutput(model.Graph.Add("Relu", other));
        GradientException exception = Assert.ThrowsExactly<GradientException>(() => GradientBuilder.Build(model, loss.Name, ["other"], [Tensor.Vector(2f)]));
        StringAssert.Contains(exception.Message, "does not depend", StringComparison.Ordinal);
    }

    /// <summary>The operands are cast to double, and what is built of them is cast back.</summary>
    private static void VerifyInDouble(Func<Graph, Value[], Value> build, params long[][] shapes) =>
        GradientCheck.Verify(
            (graph, v) =>
            {
                Value[] doubles = [.. v.Select(value => graph.AddNode("Cast", [value]).Set("to", (long)ElementType.Double).Output)];
                return graph.AddNode("Cast", [build(graph, doubles)]).Set("to", (long)ElementType.Float).Output;
            },
            shapes);

    private static Model Line(out Value loss)
    {
        Model model = Model.Create("line", opset: 17, irVersion: 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1));
        loss = model.Graph.Add("Mul", x, model.Graph.AddInitializer("w", Tensor.Vector(3f)));
        model.Graph.AddOutput(loss);
        return model;
    }
}
