using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion.Releases;

namespace ModelBuildTasks.Optimization.Tests.Conversion.Releases;

[TestClass]
public sealed class OpsetLoweringTests
{
    [TestMethod]
    public void Operators_that_only_gained_types_keep_their_results()
    {
        Model model = Image(25, (graph, x) =>
        {
            Value filters = graph.AddInitializer("w", Tensor.Create([2, 1, 3, 3], [.. Enumerable.Range(0, 18).Select(i => i / 10f - 1)]));
            Value shape = graph.AddInitializer("shape", Tensor.Vector(1L, -1L));
            return graph.Add("Reshape", graph.Add("Round", graph.Add("MaxPool", graph.Add("Conv", x, filters)).Producer!.Set("kernel_shape", [2L, 2L]).Output), shape);
        });
        float[] expected = Run(model);

        Assert.IsNull(OpsetLowering.Apply(model, 18));

        Assert.AreEqual(18, model.Opset);
        CollectionAssert.AreEqual(expected, Run(model));
    }

    [TestMethod]
    public void Options_at_their_defaults_are_left_out()
    {
        Model model = Image(25, (graph, x) => graph.AddNode("Cast", [graph.AddNode("Cast", [x]).Set("to", (long)ElementType.Int32).Set("saturate", 1L).Set("round_mode", "up").Output])
            .Set("to", (long)ElementType.Float).Output);
        float[] expected = Run(model);

        Assert.IsNull(OpsetLowering.Apply(model, 18));

        CollectionAssert.AreEqual(expected, Run(model));
    }

    [TestMethod]
    public void An_option_that_is_used_is_refused_by_name_and_the_model_stays()
    {
        Model model = Image(21, (graph, x) => graph.AddNode("DequantizeLinear", [
            graph.AddInitializer("codes", Tensor.Create<sbyte>([4, 2], [1, 2, 3, 4, 5, 6, 7, 8])), graph.AddInitializer("scales", Tensor.Create([2, 2], [1f, 2f, 3f, 4f]))])
            .Set("axis", 0L).Set("block_size", 2L).Output);

        string? reason = OpsetLowering.Apply(model, 19);

        StringAssert.Contains(reason, "uses 'block_size', which operator set 21 brought");
        Assert.AreEqual(21, model.Opset);
        Assert.IsTrue(model.Graph.Nodes[0].Has("block_size"));
    }

    [TestMethod]
    public void An_operator_that_is_newer_is_refused_by_name()
    {
        Model model = Image(20, (graph, x) => graph.Add("Gelu", x));

        StringAssert.Contains(OpsetLowering.Apply(model, 19), "Gelu '");
    }

    [TestMethod]
    public void Operators_inside_branches_count()
    {
        Model model = Image(20, (graph, x) =>
        {
            Node choice = graph.AddNode("If", [graph.AddInitializer("yes", Tensor.Scalar(true))]);
            foreach (string branch in new[] { "then_branch", "else_branch" })
            {
                Graph inner = choice.AddGraph(branch);
                inner.AddOutput(inner.Add("Gelu", x));
            }

            return choice.Output;
        });

        Assert.IsNotNull(OpsetLowering.Apply(model, 19));
    }

    [TestMethod]
    public void Padding_of_windows_that_jut_out_changed_and_is_refused()
    {
        Model model = Image(19, (graph, x) => graph.AddNode("AveragePool", [x]).Set("kernel_shape", [3L, 3L]).Set("strides", [2L, 2L]).Set("ceil_mode", 1L).Output);

        Assert.IsNotNull(OpsetLowering.Apply(model, 18));
    }

    [TestMethod]
    public void What_is_older_already_is_left_alone()
    {
        Model model = Image(13, (graph, x) => graph.Add("Relu", x));

        Assert.IsNull(OpsetLowering.Apply(model, 18));

        Assert.AreEqual(13, model.Opset);
    }

    [TestMethod]
    public void Nothing_is_lowered_below_18()
    {
        Model model = Image(18, (graph, x) => graph.Add("Relu", x));

        Assert.IsNotNull(OpsetLowering.Apply(model, 17));
    }

    private static Model Image(long opset, Func<Graph, Value, Value> build)
    {
        Model model = Model.Create("g", opset, IrVersions.OfOpset(opset));
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 1, 6, 6));
        model.Graph.AddOutput(build(model.Graph, x));
        return model;
    }

    private static float[] Run(Model model)
    {
        using ModelSession session = ModelSession.Open(model);
        return session.Run([Tensor.Create([1, 1, 6, 6], [.. Enumerable.Range(0, 36).Select(i => MathF.Sin(i) * 5)])])[0].ToSingles();
    }
}
