using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class TrainableWeightsTests
{
    [TestMethod]
    public void Finds_filters_biases_scales_and_slopes_but_no_running_statistics()
    {
        Assert.AreEqual("filter bias scale shift slope matrix offset", Found(graph =>
        {
            Value x = Input(graph, 2, 3, 4, 4);
            x = graph.Add("Conv", x, Weight(graph, "filter", 2, 3, 3, 3), Weight(graph, "bias", 2));
            x = graph.Add("BatchNormalization", x, Weight(graph, "scale", 2), Weight(graph, "shift", 2), Weight(graph, "mean", 2), Weight(graph, "variance", 2));
            x = graph.Add("PRelu", x, Weight(graph, "slope", 2, 1, 1));
            x = graph.Add("Clip", x, Number(graph, "low", 0), Number(graph, "high", 6));
            x = graph.Add("Flatten", graph.Add("GlobalAveragePool", x));
            return graph.Add("Gemm", x, Weight(graph, "matrix", 2, 5), Weight(graph, "offset", 5));
        }));
    }

    [TestMethod]
    public void Finds_recurrent_weights_but_no_initial_state() =>
        Assert.AreEqual("w r b", Found(graph => graph.AddNode(
            "GRU",
            [Input(graph, 4, 1, 3), Weight(graph, "w", 1, 6, 3), Weight(graph, "r", 1, 6, 2), Weight(graph, "b", 1, 12), null, Weight(graph, "state", 1, 1, 2)]).Set("hidden_size", 2).Output));

    [TestMethod]
    public void Finds_embeddings_of_tokens_and_of_positions() =>
        Assert.AreEqual("words positions scale", Found(graph =>
        {
            Value tokens = graph.AddInput("x", new TensorType(ElementType.Int64, 1, 4));
            Value x = graph.Add("Gather", Weight(graph, "words", 9, 6), tokens);
            x = graph.Add("Add", x, Weight(graph, "positions", 1, 4, 6));
            return graph.Add("LayerNormalization", x, Weight(graph, "scale", 6));
        }));

    [TestMethod]
    public void Finds_bias_and_scale_of_channels_that_stand_in_operators_of_their_own() =>
        Assert.AreEqual("filter bias scale matrix one", Found(graph =>
        {
            Value x = graph.Add("Conv", Input(graph, 1, 3, 4, 5), Weight(graph, "filter", 4, 3, 1, 1));
            x = graph.Add("Add", Weight(graph, "bias", 1, 4, 1, 1), x);
            x = graph.Add("Relu", graph.Add("Mul", x, Weight(graph, "scale", 4, 1, 1)));
            return graph.Add("Add", graph.Add("MatMul", x, Weight(graph, "matrix", 5, 1)), Weight(graph, "one", 1));
        }));

    [TestMethod]
    public void Leaves_factors_epsilons_masks_and_coordinates_alone() =>
        Assert.AreEqual("filter", Found(graph =>
        {
            Value x = graph.Add("Conv", Input(graph, 1, 3, 4, 5), Weight(graph, "filter", 4, 3, 1, 1));
            x = graph.Add("Mul", graph.Add("Add", x, Number(graph, "epsilon", 1e-5f)), graph.AddInitializer("factor", Tensor.Create([1, 1, 1, 1], [0.125f])));
            x = graph.Add("Add", x, graph.AddInitializer("mask", Tensor.Create([4, 1, 1], [0f, -1e9f, 0f, float.NegativeInfinity])));
            x = graph.Add("Mul", x, graph.AddInitializer("kept", Tensor.Create([4, 1, 1], [0f, 1f, 1f, 0f])));
            x = graph.Add("Add", x, Weight(graph, "grid", 1, 4, 4, 5));
            x = graph.Add("Mul", x, Weight(graph, "stride", 5));
            return graph.Add("Div", graph.Add("Sub", x, Weight(graph, "mean", 4, 1, 1)), Weight(graph, "deviation", 4, 1, 1));
        }));

    [TestMethod]
    public void Leaves_what_prepares_the_input_alone() =>
        Assert.AreEqual("filter", Found(graph =>
        {
            Value x = graph.Add("Add", graph.Add("Mul", Input(graph, 1, 3, 4, 4), Weight(graph, "factor", 3, 1, 1)), Weight(graph, "shift", 3, 1, 1));
            return graph.Add("Conv", x, Weight(graph, "filter", 2, 3, 1, 1));
        }));

    [TestMethod]
    public void Finds_a_matrix_that_is_transposed_or_quantized_on_its_way() =>
        Assert.AreEqual("turned stored", Found(graph =>
        {
            Value x = graph.Add("MatMul", Input(graph, 2, 3), graph.Add("Transpose", Weight(graph, "turned", 4, 3)));
            Value zero = graph.AddInitializer("zero", Tensor.Create([], [(sbyte)0]));
            Value integers = graph.Add("QuantizeLinear", Weight(graph, "stored", 4, 2), Number(graph, "size", 0.1f), zero);
            return graph.Add("MatMul", x, graph.Add("DequantizeLinear", integers, graph.Find("size"), zero));
        }));

    [TestMethod]
    public void Follows_channels_through_a_transpose() =>
        Assert.AreEqual("filter last", Found(graph =>
        {
            Value x = graph.Add("Conv", Input(graph, 1, 3, 4, 5), Weight(graph, "filter", 2, 3, 1, 1));
            x = graph.Add("Add", graph.AddNode("Transpose", [x]).Set("perm", [0, 2, 3, 1]).Output, Weight(graph, "last", 2));
            return graph.Add("Mul", x, Weight(graph, "width", 5, 1));
        }));

    [TestMethod]
    public void Leaves_a_fused_operator_of_another_domain_alone() =>
        Assert.AreEqual("", Found(graph => graph.AddNode("FusedMatMul", [Input(graph, 2, 3), Weight(graph, "matrix", 3, 2)], domain: "com.microsoft").Output));

    [TestMethod]
    public void Hoisting_makes_weights_of_constant_nodes_but_no_others()
    {
        Model model = Build(graph =>
        {
            Node matrix = graph.AddNode("Constant", []).Set("value", RandomShapes.Between([3, 2], 1, -1, 1));
            matrix.Output.Name = "matrix";
            Node factor = graph.AddNode("Constant", []).Set("value_float", 0.5f);
            return graph.Add("Mul", graph.Add("MatMul", Input(graph, 2, 3), matrix.Output), factor.Output);
        });
        Assert.AreEqual("", string.Join(" ", TrainableWeights.Of(model)));
        Assert.AreEqual("matrix", string.Join(" ", TrainableWeights.Hoist(model)));
        Assert.AreEqual("matrix", string.Join(" ", TrainableWeights.Of(model)));
        Assert.AreEqual(1, model.Graph.Nodes.Count(node => node.OpType == "Constant"));
        Assert.IsEmpty(model.Validate());
    }

    [TestMethod]
    public void Hoisting_parts_a_weight_from_a_statistic_that_it_is_stored_with()
    {
        Model model = Build(graph =>
        {
            Value shared = Weight(graph, "zeros", 3);
            return graph.Add("BatchNormalization", Input(graph, 2, 3), Weight(graph, "scale", 3), shared, shared, Weight(graph, "variance", 3));
        });
        Assert.AreEqual("scale", string.Join(" ", TrainableWeights.Of(model)));
        Assert.AreEqual("scale zeros_1", string.Join(" ", TrainableWeights.Hoist(model)));
        Assert.AreEqual("zeros", model.Graph.Nodes[0].Input(3)!.Name);
        Assert.AreEqual("zeros_1", model.Graph.Nodes[0].Input(2)!.Name);
    }

    [TestMethod]
    public void A_weight_that_the_graph_hands_out_stays_what_it_was()
    {
        Model model = Build(graph => graph.Add("MatMul", Input(graph, 2, 3), Weight(graph, "matrix", 3, 2)));
        model.Graph.AddOutput(model.Graph.Find("matrix")!);
        Assert.IsEmpty(TrainableWeights.Of(model));
        Assert.AreEqual("matrix_1", string.Join(" ", TrainableWeights.Hoist(model)));
        Assert.AreEqual("matrix", model.Graph.Outputs[1].Name);
    }

    /// <summary>All float constants that are no scalar, statistic or setting of an operator are weights in these models; dimensions of what is none stand beside them.</summary>
    [TestMethod]
    [DataRow("aka_resnet20_cifar10.onnx", 19 + 38 + 2, "")]
    [DataRow("mobilenet_v1_0.25_224.onnx", 28 + 54 + 1, "")]
    [DataRow("ch_ppocr_mobile_v2.0_cls_infer.onnx", 53 + 70 + 18 + 2, "")]
    [DataRow("ch_PP-OCRv3_det_infer.onnx", 72 + 98 + 16 + 4, "")]
    [DataRow("magika_standard_v3_3.onnx", 2 + 1 + 5 + 2, "")]
    [DataRow("tract_byte_bidi_lstm.onnx", 6 + 1 + 2, "")]
    [DataRow("mnist8_cntk.onnx", 2 + 2 + 2, "")]
    [DataRow("mnist_pytorch_onnx2c.onnx", 3 + 4, "")]
    [DataRow("dtln_model_1.onnx", 2 + 6, "")]
    [DataRow("ultraface_RFB-320.onnx", 52 + 70 + 17, "1x4420x2 1x4420x2 1x4420x2")]
    [DataRow("FastestDet.onnx", 140, "1x2x1x1 1x2x22x22")]
    public void Finds_every_weight_of_real_models(string name, int weights, string others)
    {
        Model model = Model.Load(RealModels.Require(name));
        IReadOnlyList<string> found = TrainableWeights.Hoist(model);
        Assert.HasCount(weights, found);
        Assert.IsEmpty(found.Where(weight => model.Graph.Find(weight)!.Initializer!.Dimensions.Count == 0));
        Assert.AreEqual(others, string.Join(" ", model.Graph.Values.Except(found.Select(weight => model.Graph.Find(weight)))
            .Where(value => !value!.Uses.Any(use => use is { Node.OpType: "BatchNormalization", Index: > 2 } or { Node.OpType: "Resize" }))
            .Select(value => value!.Initializer ?? value.Constant)
            .Where(constant => constant is { ElementType: ElementType.Float, Length: > 1 })
            .Select(constant => string.Join("x", constant!.Dimensions)).Order()));
        using ModelSession session = ModelSession.Open(model);
    }

    private static string Found(Func<Graph, Value> build) => string.Join(" ", TrainableWeights.Of(Build(build)));

    private static Model Build(Func<Graph, Value> build)
    {
        Model model = Model.Create("model", opset: 17, irVersion: 8);
        model.Graph.AddOutput(build(model.Graph));
        return model;
    }

    private static Value Input(Graph graph, params long[] shape) => graph.AddInput("x", new TensorType(ElementType.Float, [.. shape.Select(Dimension.FromInt64)]));

    private static Value Weight(Graph graph, string name, params long[] shape) => graph.AddInitializer(name, RandomShapes.Between(shape, seed: 1, -1, 1));

    private static Value Number(Graph graph, string name, float value) => graph.AddInitializer(name, Tensor.Scalar(value));
}
