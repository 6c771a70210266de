using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

/// <summary>
/// What other quantizers fall into, each from the arriving model to the one that runs. The rest stand with what they are about:
/// a range search with too few bins (Calibration, Trap_1_a_range_search_has_enough_bins_to_leave_the_extremes),
/// Q/DQ around what does not fuse (<see cref="StaticQuantizationTests"/>, Fuses_convolutions_with_relu_and_the_last_product_into_integer_kernels, Integers_do_not_begin_behind_a_pooling_in_float),
/// layers inside an If also in <see cref="SubgraphQuantizationTests"/>, with integers of fixed ranges,
/// one scale for boxes and scores (Never_gives_one_scale_to_a_concatenation_of_unlike_ranges, Leaves_an_output_concatenation_and_its_convolutions_in_float),
/// models too small to gain also in <see cref="StaticQuantizationRefusalTests"/> (Keeps_a_network_in_float_that_is_too_small_for_integers_to_pay), and
/// tensors of zeros (Gives_a_tensor_of_zeros_a_safe_scale).
/// </summary>
[TestClass]
public sealed class PeerTrapTests
{
    private const double Tolerance = 0.05;

    [TestMethod]
    public void Trap_2_a_gemm_whose_bias_is_a_row_is_quantized_by_channel()
    {
        SmallNetwork network = new();
        Value flat = network.Graph.Add("Flatten", network.Graph.Add("GlobalAveragePool", network.Convolve(network.Input, "a")));
        network.Output(network.Graph.AddNode("Gemm", [flat, network.Weight("w", SmallNetwork.Channels, 10), network.Weight("row", 1, 10)], name: "g").Output);
        AssertAnswersAlike(network);
        Assert.HasCount(10, network.Graph.Find("w_scale")!.Initializer!.Span<float>().ToArray());
    }

    [TestMethod]
    public void Trap_3_a_model_of_operator_set_11_gets_scales_by_channel_only_with_operator_set_13()
    {
        SmallNetwork network = new(opset: 11);
        network.Classify(network.Convolve(network.Input, "a"));
        AssertAnswersAlike(network);
        Assert.AreEqual(13, network.Model.Opset);
    }

    [TestMethod]
    public void Trap_4_operators_are_converted_when_the_operator_set_is_lifted()
    {
        // Slice stated its ends in attributes until operator set 9.
        SmallNetwork network = new(opset: 9);
        Value half = network.Graph.AddNode("Slice", [network.Convolve(network.Input, "a")]).Set("axes", [2L]).Set("starts", [0L]).Set("ends", [8L]).Output;
        network.Classify(network.Convolve(half, "b"));
        AssertAnswersAlike(network);
    }

    [TestMethod]
    public void Trap_7_a_depthwise_convolution_has_a_scale_for_each_channel_and_never_becomes_a_ConvInteger()
    {
        SmallNetwork network = new();
        Value depthwise = network.Graph.AddNode("Conv", [network.Convolve(network.Input, "a"), network.Weight("d", SmallNetwork.Channels, 1, 3, 3)], name: "depthwise")
            .Set("group", (long)SmallNetwork.Channels).Set("pads", [1L, 1, 1, 1]).Output;
        network.Classify(network.Convolve(depthwise, "b"));
        Model twin = network.Model.Clone();
        new DynamicQuantization().Apply(twin, new PassContext(TargetProfiles.CpuX64));
        Assert.IsFalse(twin.Graph.Nodes.Any(node => node.OpType == "ConvInteger"));

        AssertAnswersAlike(network);

        Value weight = network.Graph.Nodes.Single(node => node is { OpType: "Conv" } && node.GetInt("group", 1) > 1).Inputs[1]!;
        Assert.HasCount(SmallNetwork.Channels, weight.Producer!.Inputs[1]!.Constant!.Span<float>().ToArray());
    }

    [TestMethod]
    public void Trap_8_weights_that_an_old_file_lists_as_inputs_do_not_block_folding()
    {
        SmallNetwork network = new(opset: 8);
        network.Model.IrVersion = 3;
        Value[] parameters = [.. new[] { 1f, 0, 0, 1 }.Select(number => network.Graph.AddInitializer("p", Tensor.Vector([.. Enumerable.Repeat(number, SmallNetwork.Channels)])))];
        network.Classify(network.Graph.Add("BatchNormalization", [network.Convolve(network.Input, "a"), .. parameters]));
        Model listed = WithInitializersAsInputs(network.Model);

        new GraphSimplification().Apply(listed, new PassContext(TargetProfiles.CpuX64));

        Assert.HasCount(1, listed.Graph.Inputs);
        Assert.IsFalse(listed.Graph.Nodes.Any(node => node.OpType == "BatchNormalization"));
        PassOutcome outcome = new StaticQuantization().Apply(listed, new PassContext(TargetProfiles.CpuX64, network.Samples));
        Assert.IsTrue(outcome.Changed, outcome.Explanation);
    }

    [TestMethod]
    public void Trap_9_what_stands_inside_an_If_is_quantized()
    {
        Model model = Model.Create("branches", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 512));
        Value condition = model.Graph.AddInput("c", new TensorType(ElementType.Bool, 1));
        model.Graph.AddOutput(Branches.AddIf(
            condition,
            branch => branch.Add("MatMul", x, branch.AddInitializer("w", Weights.Uniform(new Random(1), [512, 512]))),
            branch => branch.Add("MatMul", x, branch.AddInitializer("v", Weights.Uniform(new Random(2), [512, 512])))));
        int bytes = model.ToBytes().Length;

        PassOutcome outcome = new DynamicQuantization().Apply(model, new PassContext(TargetProfiles.CpuX64));

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Assert.IsLessThan(bytes * 0.3, model.ToBytes().Length);
    }

    [TestMethod]
    public void Trap_11_a_batch_that_callers_choose_stays_free_when_a_flattening_is_rewritten()
    {
        Model model = Model.Create("batch", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, "batch", 32, 16, 16));
        Random random = new(3);
        Value convolved = model.Graph.AddNode("Conv", [x, model.Graph.AddInitializer("w", Weights.Uniform(random, [32, 32, 3, 3]))]).Output;
        Value flat = model.Graph.Add("Flatten", model.Graph.Add("GlobalAveragePool", convolved));
        model.Graph.AddOutput(model.Graph.Add("MatMul", flat, model.Graph.AddInitializer("c", Weights.Uniform(random, [32, 10]))));
        PassContext context = new(TargetProfiles.CpuX64, ListedSamples.Random([4, 32, 16, 16], 2));

        new GraphSimplification().Apply(model, context);
        PassOutcome outcome = new StaticQuantization().Apply(model, context);

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        using ModelSession session = ModelSession.Open(model);
        foreach (long batch in new long[] { 1, 3 })
        {
            Assert.AreEqual(batch, session.Run([Weights.Uniform(random, [batch, 32, 16, 16])])[0].Dimensions[0]);
        }
    }

    [TestMethod]
    public void Trap_12_folding_does_not_copy_weights_that_two_layers_share()
    {
        SmallNetwork network = new();
        Value first = network.Convolve(network.Input, "a");
        Value[] parameters = [.. new[] { 2f, 1, 0, 1 }.Select(number => network.Graph.AddInitializer("p", Tensor.Vector([.. Enumerable.Repeat(number, SmallNetwork.Channels)])))];
        Value normalized = network.Graph.Add("BatchNormalization", [first, .. parameters]);
        Node again = network.Graph.AddNode("Conv", [normalized, network.Graph.Find("a.w"), network.Graph.Find("a.b")], name: "again").Set("pads", [1L, 1, 1, 1]);
        network.Classify(again.Output);
        int bytes = network.Model.ToBytes().Length;

        new GraphSimplification().Apply(network.Model, new PassContext(TargetProfiles.CpuX64));

        Assert.IsLessThanOrEqualTo(bytes, network.Model.ToBytes().Length);
        AssertAnswersAlike(network);
    }

    [TestMethod]
    [DataRow("mobilenet_v1_0.25_224.onnx", 5)]
    [DataRow("ch_ppocr_mobile_v2.0_cls_infer.onnx", 0)]
    [DataRow("aka_resnet20_cifar10.onnx", 15)]
    [DataRow("ultraface_RFB-320.onnx", 5)]
    public void Trap_5_every_layer_with_integers_around_it_becomes_an_integer_kernel(string name, int fewest)
    {
        QuantizationCase model = new(name);
        QuantizationPlan plan = model.Quantize(TargetProfiles.CpuX64, samples: 16).Plan!;

        Node[] executed = [.. OptimizedGraph.Of(model.Quantized).Graph.Nodes];

        // A fused pair takes its weights as integers; one that is not has them dequantized at every run.
        Node[] unfused = [.. executed.Where(node => node.OpType == "DequantizeLinear" && node.Input(0)!.Constant is not null)];
        Assert.IsEmpty(unfused, string.Join("; ", unfused.Select(node => node.ToString())));
        int kernels = executed.Count(node => node.OpType is "QLinearConv" or "QGemm" or "QLinearMatMul" or "MatMulIntegerToFloat");
        Assert.AreEqual(plan.Layers.Count(layer => layer.IsInteger), kernels);
        Assert.IsGreaterThanOrEqualTo(fewest, kernels);
    }

    [TestMethod]
    public void Trap_10_of_a_very_small_network_what_loses_stays_in_float_with_the_reason()
    {
        QuantizationCase model = new("mnist8_cntk.onnx");

        QuantizationPlan plan = model.Quantize(TargetProfiles.CpuX64, samples: 16).Plan!;

        PlannedLayer first = plan.Layers.Single(layer => layer.Name == "Conv 'Convolution28'");
        Assert.IsFalse(first.IsInteger);
        StringAssert.Contains(first.Reason, "slower");
    }

    [TestMethod]
    public void Trap_10_depthwise_convolutions_of_many_pixels_stay_in_float_with_the_reason()
    {
        QuantizationCase model = new("mobilenet_v1_0.25_224.onnx");

        QuantizationPlan plan = model.Quantize(TargetProfiles.CpuX64, samples: 16).Plan!;

        foreach (string name in new[] { "Conv 'conv_dw_1'", "Conv 'conv_dw_2'", "Conv 'conv_dw_3'" })
        {
            PlannedLayer layer = plan.Layers.Single(layer => layer.Name == name);
            Assert.IsFalse(layer.IsInteger);
            Assert.IsNotNull(layer.Reason);
        }

        StringAssert.Contains(plan.Layers.Single(layer => layer.Name == "Conv 'conv_dw_1'").Reason, "slower");
    }

    private static void AssertAnswersAlike(SmallNetwork network) => Assert.IsLessThan(Tolerance, network.QuantizationError());

    private static Model WithInitializersAsInputs(Model model)
    {
        Model listed = Model.Create("listed", model.Opset, 3);
        Dictionary<Value, Value> copies = [];
        foreach (Value value in model.Graph.Inputs.Concat(model.Graph.Initializers))
        {
            Value copy = listed.Graph.AddInput(value.Name, value.Type ?? new TensorType(value.Initializer!.ElementType, [.. value.Initializer.Dimensions.Select(size => (Dimension)size)]));
            copy.Initializer = value.Initializer;
            copies[value] = copy;
        }

        foreach (Node node in model.Graph.TopologicalOrder())
        {
            Node copy = listed.Graph.AddNode(node.OpType, [.. node.Inputs.Select(input => input is null ? null : copies[input])], node.Outputs.Count, node.Name);
            copy.CopyAttributesFrom(node);
            copies[node.Output] = copy.Output;
        }

        listed.Graph.AddOutput(copies[model.Graph.Outputs[0]]);
        return listed;
    }
}
