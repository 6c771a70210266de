using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion;

namespace ModelBuildTasks.Optimization.Tests.Conversion;

[TestClass]
public sealed class OpsetUpgradeTests
{
    private const double Exact = 1e-6;

    [TestMethod]
    [DataRow("mnist8_cntk.onnx")]
    [DataRow("squeezenet1.0_imagenet_fp32.onnx")]
    [DataRow("ultraface_RFB-320.onnx")]
    [DataRow("mnist_pytorch_onnx2c.onnx")]
    [DataRow("winml_cifar_cnn.onnx")]
    [DataRow("winml_iris.onnx")]
    [DataRow("dtln_model_1.onnx")]
    [DataRow("qonnx_bsd300x3-espcn_subpixel_float_model.onnx")]
    [DataRow("tract_byte_bidi_lstm.onnx")]
    public void Lifts_a_real_model_without_changing_its_results(string name)
    {
        Model model = Model.Load(RealModels.Require(name));
        using ModelSession before = ModelSession.Open(model);
        IReadOnlyList<Tensor> inputs = RealModels.RandomInputs(name, before.Inputs, seed: 4);
        IReadOnlyList<Tensor> expected = before.Run(inputs);

        Assert.IsNull(OpsetUpgrade.Apply(model, 13));

        Assert.AreEqual(13, model.Opset);
        Assert.AreEqual(7, model.IrVersion);
        using ModelSession after = ModelSession.Open(model);
        IReadOnlyList<Tensor> actual = after.Run(inputs);
        for (int i = 0; i < expected.Count; i++)
        {
            Assert.IsLessThan(1e-5, RealModels.RelativeError(expected[i], actual[i]));
        }
    }

    [TestMethod]
    [DataRow(1L)]
    [DataRow(2L)]
    [DataRow(3L)]
    public void Keeps_the_rows_that_softmax_normalized(long axis) =>
        AssertLifted(7, [2, 3, 4, 5], (graph, x) => graph.AddNode("Softmax", [x]).Set("axis", axis).Output);

    [TestMethod]
    public void Keeps_the_former_default_axis_of_softmax() =>
        AssertLifted(11, [2, 3, 4], (graph, x) => graph.Add("LogSoftmax", x));

    [TestMethod]
    public void Rewrites_softmax_in_place_when_later_dimensions_are_one()
    {
        Model model = AssertLifted(7, [1, 10, 1, 1], (graph, x) => graph.Add("Softmax", x));
        Assert.HasCount(1, model.Graph.Nodes);
    }

    [TestMethod]
    public void Makes_the_bounds_of_a_slice_inputs() =>
        AssertLifted(9, [4, 6], (graph, x) => graph.AddNode("Slice", [x]).Set("starts", [1L]).Set("ends", [-1L]).Set("axes", [1L]).Output);

    [TestMethod]
    public void Makes_the_bounds_of_a_clip_inputs() =>
        AssertLifted(9, [4, 6], (graph, x) => graph.AddNode("Clip", [x]).Set("min", -0.5f).Set("max", 0.25f).Output);

    [TestMethod]
    public void Leaves_an_open_bound_of_a_clip_open() =>
        AssertLifted(7, [4, 6], (graph, x) => graph.AddNode("Clip", [x]).Set("max", 0.25f).Output);

    [TestMethod]
    public void Makes_the_pads_and_their_value_inputs() =>
        AssertLifted(10, [4, 6], (graph, x) => graph.AddNode("Pad", [x]).Set("pads", [0L, 1, 2, 0]).Set("value", 0.5f).Output);

    [TestMethod]
    public void Makes_the_axes_of_squeeze_unsqueeze_and_sums_inputs() =>
        AssertLifted(12, [1, 4, 6], (graph, x) =>
        {
            Value wide = graph.AddNode("Unsqueeze", [x]).Set("axes", [0L, 3]).Output;
            Value narrow = graph.AddNode("Squeeze", [wide]).Set("axes", [1L]).Output;
            return graph.AddNode("ReduceSum", [narrow]).Set("axes", [2L]).Set("keepdims", 0L).Output;
        });

    [TestMethod]
    public void Makes_the_parts_of_a_split_an_input() =>
        AssertLifted(11, [4, 6], (graph, x) =>
        {
            Node split = graph.AddNode("Split", [x], outputCount: 2).Set("axis", 1L).Set("split", [2L, 4]);
            return graph.AddNode("Concat", [split.Outputs[1], split.Outputs[0]]).Set("axis", 1L).Output;
        });

    [TestMethod]
    public void Makes_k_an_input() =>
        AssertLifted(7, [4, 6], (graph, x) => graph.AddNode("TopK", [x], outputCount: 2).Set("k", 3L).Output);

    [TestMethod]
    [DataRow(7L, "nearest")]
    [DataRow(7L, "linear")]
    [DataRow(9L, "nearest")]
    [DataRow(9L, "linear")]
    public void Turns_upsampling_into_resizing_at_the_same_coordinates(long opset, string mode) =>
        AssertLifted(opset, [1, 2, 3, 4], (graph, x) => opset < 9
            ? graph.AddNode("Upsample", [x]).Set("mode", mode).Set("scales", [1f, 1, 2, 2]).Output
            : graph.AddNode("Upsample", [x, graph.AddInitializer("scales", Tensor.Vector(1f, 1, 2, 2))]).Set("mode", mode).Output);

    [TestMethod]
    public void States_the_coordinates_that_resizing_had() =>
        AssertLifted(10, [1, 2, 4, 4], (graph, x) =>
            graph.AddNode("Resize", [x, graph.AddInitializer("scales", Tensor.Vector(1f, 1, 1.5f, 1.5f))]).Set("mode", "nearest").Output);

    [TestMethod]
    [DataRow("nearest", 2.5f, 1.7f)]
    [DataRow("nearest", 0.5f, 0.6f)]
    [DataRow("linear", 0.5f, 0.6f)]
    [DataRow("linear", 0.5f, 2f)]
    public void Samples_the_pixels_that_resizing_took(string mode, float vertical, float horizontal) =>
        AssertLifted(10, [1, 2, 6, 10], (graph, x) =>
            graph.AddNode("Resize", [x, graph.AddInitializer("scales", Tensor.Vector(1f, 1, vertical, horizontal))]).Set("mode", mode).Output);

    [TestMethod]
    public void Refuses_to_take_nearest_pixels_where_the_direction_is_unknown()
    {
        Model fed = Build(10, [1, 2, 6, 10], (graph, x) => graph.Add("Resize", x, graph.AddInput("scales", new TensorType(ElementType.Float, 4))));
        StringAssert.Contains(OpsetUpgrade.Apply(fed, 13), "its scales, which are not constant");

        Model mixed = Build(10, [1, 2, 6, 10], (graph, x) => graph.Add("Resize", x, graph.AddInitializer("scales", Tensor.Vector(1f, 1, 0.6f, 2))));
        StringAssert.Contains(OpsetUpgrade.Apply(mixed, 13), "enlarges one dimension and reduces another");
    }

    [TestMethod]
    [DataRow("Upsample", 9L, "nearest")]
    [DataRow("Upsample", 9L, "linear")]
    [DataRow("Resize", 10L, "linear")]
    public void Gives_resizing_of_version_11_the_region_that_it_demands(string opType, long opset, string mode) =>
        AssertLifted(opset, [1, 2, 3, 5], (graph, x) => graph.AddNode(opType, [x, graph.AddInitializer("scales", Tensor.Vector(1f, 1, 3, 2))]).Set("mode", mode).Output, to: 11);

    [TestMethod]
    [DataRow(0L)]
    [DataRow(1L)]
    public void States_the_axes_that_normalization_had(long acrossChannels) =>
        AssertLifted(8, [2, 3, 4, 5], (graph, x) => graph.AddNode("MeanVarianceNormalization", [x]).Set("across_channels", acrossChannels).Output);

    [TestMethod]
    public void Gives_bounds_the_element_type_that_the_model_leaves_unsaid() =>
        AssertLifted(10, [4, 6], (graph, x) => graph.AddNode("Clip", [graph.AddNode("Cast", [x]).Set("to", (long)ElementType.Float16).Output]).Set("min", -0.25f).Output);

    [TestMethod]
    public void Does_not_believe_a_stale_shape_in_front_of_softmax() =>
        AssertLifted(11, [2, 3, 4], (graph, x) =>
        {
            Value y = graph.Add("Relu", x);
            y.Type = new TensorType(ElementType.Float, 2, 12, 1);
            return graph.AddNode("Softmax", [y]).Set("axis", 1L).Output;
        });

    [TestMethod]
    [DataRow("Hardmax", 0L)]
    [DataRow("Hardmax", -2L)]
    [DataRow("LogSoftmax", -1L)]
    public void Keeps_the_rows_of_an_axis_counted_from_the_end(string opType, long axis) =>
        AssertLifted(11, [2, 3, 4], (graph, x) => graph.AddNode(opType, [x]).Set("axis", axis).Output);

    [TestMethod]
    public void Scatters_as_before() =>
        AssertLifted(9, [3, 4], (graph, x) => graph.AddNode(
            "Scatter", [x, graph.AddInitializer("i", Tensor.Create<long>([1, 2], [2, 0])), graph.AddInitializer("u", Tensor.Create<float>([1, 2], [7, 8]))]).Set("axis", 0L).Output);

    [TestMethod]
    public void Converts_operators_in_branches()
    {
        Model model = IfModel.Parse();
        using ModelSession before = ModelSession.Open(model);

        Assert.IsNull(OpsetUpgrade.Apply(model, 13));

        using ModelSession after = ModelSession.Open(model);
        foreach (bool condition in new[] { true, false })
        {
            Tensor[] inputs = [Tensor.Scalar(condition), Tensor.Create<float>([1, 3, 1], [1, 2, 3])];
            Assert.AreEqual(0, RealModels.RelativeError(before.Run(inputs)[0], after.Run(inputs)[0]));
        }
    }

    [TestMethod]
    public void Leaves_operators_of_other_domains_alone()
    {
        Model model = Build(9, [1, 3], (graph, x) => graph.AddNode("Squeeze", [x], domain: "com.example").Set("axes", [0L]).Output);
        Assert.IsNull(OpsetUpgrade.Apply(model, 13));
        Assert.IsTrue(model.Graph.Nodes.Single().Has("axes"));
    }

    [TestMethod]
    public void Retypes_a_mask_that_nobody_reads() =>
        AssertLifted(9, [4, 6], (graph, x) =>
        {
            Node dropout = graph.AddNode("Dropout", [x], outputCount: 2);
            dropout.Outputs[1].Type = new TensorType(ElementType.Float, 4, 6);
            return dropout.Output;
        });

    [TestMethod]
    [DataRow(7L)]
    [DataRow(11L)]
    public void Refuses_a_mask_that_is_read(long opset)
    {
        Model model = Build(opset, [4, 6], (graph, x) => graph.AddNode("Dropout", [x], outputCount: 2).Output);
        model.Graph.AddOutput(model.Graph.Nodes[0].Outputs[1]);
        StringAssert.Contains(OpsetUpgrade.Apply(model, 13), "its mask is read");
    }

    [TestMethod]
    public void Makes_the_ratio_of_dropout_an_input() =>
        AssertLifted(7, [4, 6], (graph, x) => graph.AddNode("Dropout", [x]).Set("ratio", 0.25f).Output);

    [TestMethod]
    public void Refuses_an_operator_without_counterpart_and_leaves_the_model_as_it_was()
    {
        Model model = Build(8, [4, 6], (graph, x) => graph.AddNode("Clip", [graph.AddNode("BatchNormalization", [x]).Set("spatial", 0L).Output]).Set("max", 1f).Output);
        byte[] before = model.ToBytes();

        string? reason = OpsetUpgrade.Apply(model, 13);

        StringAssert.Contains(reason, "BatchNormalization");
        CollectionAssert.AreEqual(before, model.ToBytes());
    }

    [TestMethod]
    public void Refuses_a_model_older_than_operator_set_7()
    {
        Model model = Build(6, [4, 6], (graph, x) => graph.Add("Relu", x));
        StringAssert.Contains(OpsetUpgrade.Apply(model, 13), "older than 7");
    }

    [TestMethod]
    public void Leaves_a_newer_model_alone()
    {
        Model model = Build(15, [4, 6], (graph, x) => graph.Add("Relu", x));
        model.IrVersion = 8;
        Assert.IsNull(OpsetUpgrade.Apply(model, 13));
        Assert.AreEqual(15, model.Opset);
        Assert.AreEqual(8, model.IrVersion);
    }

    private static Model Build(long opset, long[] shape, Func<Graph, Value, Value> body)
    {
        Model model = Model.Create("old", opset, 4);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, [.. shape.Select(size => (Dimension)size)]));
        model.Graph.AddOutput(body(model.Graph, x));
        return model;
    }

    private static Model AssertLifted(long opset, long[] shape, Func<Graph, Value, Value> body, long to = 13)
    {
        Model model = Build(opset, shape, body);
        Tensor x = Tensor.Create(shape, [.. Enumerable.Range(0, (int)shape.Aggregate(1L, (a, b) => a * b)).Select(i => MathF.Sin(i * 1.7f))]);
        using ModelSession before = ModelSession.Open(model);
        Tensor expected = before.Run([x])[0];

        Assert.IsNull(OpsetUpgrade.Apply(model, to));

        Assert.AreEqual(to, model.Opset);
        using ModelSession after = ModelSession.Open(model);
        Assert.IsLessThan(Exact, RealModels.RelativeError(expected, after.Run([x])[0]));
        return model;
    }
}
