using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

[TestClass]
public sealed class StaticQuantizationTests
{
    private const double Tolerance = 0.03;

    [TestMethod]
    public void Fuses_convolutions_with_relu_and_the_last_product_into_integer_kernels()
    {
        SmallNetwork network = new();
        Value first = network.Graph.Add("Relu", network.Convolve(network.Input, "a"));
        network.Classify(network.Graph.Add("Relu", network.Convolve(first, "b")));

        Assert.IsLessThan(Tolerance, network.QuantizationError());

        Dictionary<string, int> operators = OptimizedGraph.Operators(network.Model);
        Assert.AreEqual(2, operators["QLinearConv"]);
        Assert.AreEqual(1, operators["QGemm"]);
        Assert.AreEqual(1, operators["QuantizeLinear"]);
        CollectionAssert.DoesNotContain(operators.Keys, "Relu");
        CollectionAssert.DoesNotContain(operators.Keys, "Conv");
    }

    [TestMethod]
    public void Absorbs_a_clip_from_zero()
    {
        SmallNetwork network = new();
        Value bound = network.Graph.AddInitializer("max", Tensor.Scalar(0.2f));
        Value zero = network.Graph.AddInitializer("min", Tensor.Scalar(0f));
        network.Classify(network.Convolve(network.Graph.Add("Clip", network.Convolve(network.Input, "a"), zero, bound), "b"));

        Assert.IsLessThan(Tolerance, network.QuantizationError());
        CollectionAssert.DoesNotContain(OptimizedGraph.Operators(network.Model).Keys, "Clip");
    }

    [TestMethod]
    public void A_sequence_between_layers_stays_as_it_is()
    {
        SmallNetwork network = new();
        Value parts = network.Graph.Add("SplitToSequence", network.Graph.Add("Relu", network.Convolve(network.Input, "a")));
        parts.Producer!.Set("axis", 1L);
        Value joined = network.Graph.Add("ConcatFromSequence", parts);
        joined.Producer!.Set("axis", 1L);
        network.Classify(network.Graph.Add("Relu", network.Convolve(joined, "b")));

        Assert.IsLessThan(Tolerance, network.QuantizationError());
        Assert.AreEqual(2, OptimizedGraph.Operators(network.Model)["QLinearConv"]);
    }

    [TestMethod]
    public void Adds_a_shortcut_in_integers()
    {
        SmallNetwork network = new();
        Value first = network.Graph.Add("Relu", network.Convolve(network.Input, "a"));
        Value sum = network.Graph.Add("Relu", network.Graph.Add("Add", network.Convolve(first, "b"), first));
        network.Classify(network.Convolve(sum, "c"));

        Assert.IsLessThan(Tolerance, network.QuantizationError());
        Assert.AreEqual(1, OptimizedGraph.Operators(network.Model)["QLinearAdd"]);
    }

    [TestMethod]
    public void Leaves_an_addition_in_float_when_one_side_is_computed_in_float()
    {
        SmallNetwork network = new();
        Value side = network.Graph.Add("Tanh", network.Input);
        Value sum = network.Graph.Add("Add", network.Convolve(network.Input, "a"), side);
        network.Classify(network.Convolve(sum, "c"));

        Assert.IsLessThan(Tolerance, network.QuantizationError());
        CollectionAssert.DoesNotContain(OptimizedGraph.Operators(network.Model).Keys, "QLinearAdd");
    }

    [TestMethod]
    [DataRow("MaxPool")]
    [DataRow("Transpose")]
    [DataRow("Reshape")]
    [DataRow("Slice")]
    [DataRow("Pad")]
    [DataRow("Resize")]
    [DataRow("Gather")]
    [DataRow("DepthToSpace")]
    public void Moves_elements_on_their_codes_under_one_scale(string operation)
    {
        SmallNetwork network = new();
        Graph graph = network.Graph;
        Value first = network.Convolve(network.Input, "a", outputs: operation == "DepthToSpace" ? 128 : 32);
        Node moved = operation switch
        {
            "MaxPool" => graph.AddNode("MaxPool", [first]).Set("kernel_shape", [2L, 2]).Set("strides", [2L, 2]),
            "Transpose" => graph.AddNode("Transpose", [first]).Set("perm", [0L, 1, 3, 2]),
            "Reshape" => graph.AddNode("Reshape", [first, network.Constant("shape", 1, 32, 8, 32)]),
            "Slice" => graph.AddNode("Slice", [first, network.Constant("starts", 2), network.Constant("ends", 14), network.Constant("axes", 2)]),
            "Pad" => graph.AddNode("Pad", [first, network.Constant("pads", 0, 0, 1, 1, 0, 0, 1, 1)]),
            "Resize" => graph.AddNode("Resize", [first, null, graph.AddInitializer("scales", Tensor.Vector(1f, 1, 2, 2))]).Set("mode", "nearest"),
            "DepthToSpace" => graph.AddNode("DepthToSpace", [first]).Set("blocksize", 2L),
            _ => graph.AddNode("Gather", [first, network.Constant("indices", [.. Enumerable.Range(0, 32).Select(i => (long)((i * 5) % 32))])]).Set("axis", 1L),
        };
        network.Classify(network.Convolve(moved.Output, "b"));

        Assert.IsLessThan(Tolerance, network.QuantizationError());

        Node onCodes = network.Graph.Nodes.Single(node => node.OpType == operation);
        Assert.AreEqual("QuantizeLinear", onCodes.Inputs[0]!.Producer!.OpType);
        Assert.AreEqual("DequantizeLinear", onCodes.Output.Uses.Single().Node.OpType);
        Assert.AreEqual(Scale(onCodes.Inputs[0]!.Producer!), Scale(onCodes.Output.Uses.Single().Node));
        Assert.AreEqual(2, OptimizedGraph.Operators(network.Model)["QLinearConv"]);
    }

    [TestMethod]
    public void Copies_codes_through_a_concatenation_of_like_ranges()
    {
        SmallNetwork network = new();
        Value left = network.Graph.Add("Relu", network.Convolve(network.Input, "a"));
        Value right = network.Graph.Add("Relu", network.Convolve(network.Input, "b"));
        Node both = network.Graph.AddNode("Concat", [left, right]).Set("axis", 1L);
        network.Classify(network.Convolve(both.Output, "c", inputs: 64));

        Assert.IsLessThan(Tolerance, network.QuantizationError());

        Assert.AreEqual(1, network.Graph.Nodes.Single(node => node.OpType == "Concat").Inputs.Select(input => Scale(input!.Producer!)).Distinct().Count());
        Assert.AreEqual(3, OptimizedGraph.Operators(network.Model)["QLinearConv"]);
    }

    [TestMethod]
    public void Rescales_in_a_concatenation_that_joins_clamped_with_signed_values()
    {
        SmallNetwork network = new();
        Value left = network.Graph.Add("Relu", network.Convolve(network.Input, "a"));
        Value right = network.Convolve(network.Input, "b");
        Node both = network.Graph.AddNode("Concat", [left, right]).Set("axis", 1L);
        network.Classify(network.Convolve(both.Output, "c", inputs: 64));

        Assert.IsLessThan(Tolerance, network.QuantizationError());
        Dictionary<string, int> operators = OptimizedGraph.Operators(network.Model);
        Assert.AreEqual(1, operators["QLinearConcat"]);
        Assert.AreEqual(3, operators["QLinearConv"]);
    }

    [TestMethod]
    public void Never_gives_one_scale_to_a_concatenation_of_unlike_ranges()
    {
        SmallNetwork network = new();
        Value left = network.Convolve(network.Input, "a");
        Value right = network.Convolve(network.Input, "b");
        Value large = network.Graph.Initializers.Single(value => value.Name == "b.w");
        large.Initializer = Tensor.Create([32, 32, 3, 3], Array.ConvertAll(large.Initializer!.ToSingles(), w => 100 * w));
        Node both = network.Graph.AddNode("Concat", [left, right]).Set("axis", 1L);
        network.Classify(network.Convolve(both.Output, "c", inputs: 64));

        PassOutcome outcome = network.Quantize();

        Assert.IsTrue(outcome.Changed);
        Assert.AreEqual("Conv", OptimizedGraph.Operators(network.Model).Keys.Single(op => op == "Conv"));
        StringAssert.Contains(string.Join("\n", outcome.Refusals), "differ too much in range");
    }

    [TestMethod]
    public void Leaves_an_output_concatenation_and_its_convolutions_in_float()
    {
        SmallNetwork network = new();
        Value trunk = network.Graph.Add("Relu", network.Convolve(network.Input, "trunk"));
        Value boxes = network.Graph.AddNode("Conv", [trunk, network.Weight("boxes.w", 4, 32, 3, 3)], name: "boxes").Output;
        Value scores = network.Graph.Add("Sigmoid", network.Graph.AddNode("Conv", [trunk, network.Weight("scores.w", 4, 32, 3, 3)], name: "scores").Output);
        network.Output(network.Graph.AddNode("Concat", [boxes, scores]).Set("axis", 1L).Output);

        PassOutcome outcome = network.Quantize();

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Assert.HasCount(2, outcome.Refusals);
        Assert.AreEqual(2, network.Graph.Nodes.Count(node => node.OpType == "Conv" && node.Inputs[1]!.Initializer is not null));
    }

    [TestMethod]
    public void Stores_one_weight_scale_for_each_output_channel_and_the_bias_in_the_accumulators_unit()
    {
        SmallNetwork network = new();
        Value first = network.Convolve(network.Input, "a");
        network.Classify(network.Convolve(first, "b"));
        network.Quantize();

        Node convolution = network.Graph.Nodes.Single(node => node.Name == "a");
        float input = Scale(convolution.Inputs[0]!.Producer!);
        float[] weight = convolution.Inputs[1]!.Producer!.Inputs[1]!.Initializer!.ToSingles();
        Node bias = convolution.Inputs[2]!.Producer!;

        Assert.HasCount(32, weight);
        Assert.AreEqual(0, convolution.Inputs[1]!.Producer!.GetInt("axis", 1));
        Assert.AreEqual(ElementType.Int8, convolution.Inputs[1]!.Producer!.Inputs[0]!.Initializer!.ElementType);
        Assert.AreEqual(ElementType.Int32, bias.Inputs[0]!.Initializer!.ElementType);
        CollectionAssert.AreEqual(Array.ConvertAll(weight, w => w * input), bias.Inputs[1]!.Initializer!.ToSingles());
    }

    [TestMethod]
    public void Uses_seven_bits_where_products_may_saturate_except_in_depthwise_kernels()
    {
        SmallNetwork network = new();
        Value first = network.Convolve(network.Input, "dense");
        Node depthwise = network.Graph.AddNode("Conv", [first, network.Weight("depthwise.w", 32, 1, 3, 3)], name: "depthwise").Set("group", 32L).Set("pads", [1L, 1, 1, 1]);
        network.Classify(network.Convolve(depthwise.Output, "last"));

        network.Quantize(TargetProfiles.Cpu);

        Assert.AreEqual(64, LargestCode("dense"));
        Assert.AreEqual(127, LargestCode("depthwise"));
        Assert.AreEqual(64, LargestCode("classes"));

        int LargestCode(string name) => network.Graph.Nodes.Single(node => node.Name == name || node.Name == name + "_product")
            .Inputs[1]!.Producer!.Inputs[0]!.Initializer!.Span<sbyte>().ToArray().Max(code => Math.Abs((int)code));
    }

    [TestMethod]
    [DataRow(false, 1f, 1f, 1)]
    [DataRow(true, 1f, 1f, 2)]
    [DataRow(true, 0.5f, 2f, 1)]
    public void Quantizes_a_gemm_whatever_its_attributes_and_the_shape_of_its_bias(bool transposed, float alpha, float beta, int biasRank)
    {
        Random random = new(3);
        Model model = Model.Create("gemm", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 64, 256));
        Value w = model.Graph.AddInitializer("w", Weights.Uniform(random, transposed ? [128, 256] : [256, 128]));
        Value b = model.Graph.AddInitializer("b", Weights.Uniform(random, biasRank == 2 ? [1, 128] : [128]));
        Node gemm = model.Graph.AddNode("Gemm", [x, w, b], name: "gemm").Set("alpha", alpha).Set("beta", beta).Set("transB", transposed ? 1L : 0L);
        model.Graph.AddOutput(gemm.Output);

        AssertQuantizes(model, [64, 256]);

        Assert.AreEqual(1, OptimizedGraph.Operators(model)["QGemm"]);
    }

    [TestMethod]
    public void Gives_floats_from_a_matrix_product_whose_result_is_read_in_float()
    {
        Model model = Model.Create("product", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 64, 256));
        Value w = model.Graph.AddInitializer("w", Weights.Uniform(new Random(3), [256, 256]));
        model.Graph.AddOutput(model.Graph.Add("Softmax", model.Graph.Add("MatMul", x, w)));

        AssertQuantizes(model, [1, 64, 256]);

        Assert.AreEqual(1, OptimizedGraph.Operators(model)["MatMulIntegerToFloat"]);
    }

    [TestMethod]
    public void A_pooling_with_dilations_stays_in_float()
    {
        SmallNetwork network = new(opset: 19);
        Value pooled = network.Graph.AddNode("AveragePool", [network.Convolve(network.Input, "a")]).Set("kernel_shape", [3L, 3]).Set("dilations", [2L, 2]).Output;
        network.Classify(network.Convolve(pooled, "b"));

        Assert.IsLessThan(Tolerance, network.QuantizationError());

        Assert.IsFalse(OptimizedGraph.Operators(network.Model).ContainsKey("QLinearAveragePool"));
    }

    [TestMethod]
    public void A_padding_of_named_axes_runs_between_integers()
    {
        SmallNetwork network = new(opset: 18);
        Value padded = network.Graph.AddNode("Pad", [network.Convolve(network.Input, "a"), network.Constant("pads", 1, 1, 1, 1), null, network.Constant("axes", 2, 3)]).Output;
        network.Classify(network.Convolve(padded, "b"));

        Assert.IsLessThan(Tolerance, network.QuantizationError());
    }

    [TestMethod]
    [DataRow("MatMul", "Relu")]
    [DataRow("MatMul", "Clip")]
    [DataRow("Gemm", "Relu")]
    [DataRow("Gemm", "Clip")]
    public void A_product_whose_clamped_result_is_read_in_float_stays_in_integers_when_the_runtime_loads_it(string product, string clamp)
    {
        Model model = Model.Create("product", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 64, 256));
        Value w = model.Graph.AddInitializer("w", Weights.Uniform(new Random(3), [256, 256]));
        Value made = model.Graph.Add(product, x, w);
        Value clamped = clamp == "Relu" ? model.Graph.Add("Relu", made)
            : model.Graph.Add("Clip", made, model.Graph.AddInitializer("low", Tensor.Scalar(0f)), model.Graph.AddInitializer("high", Tensor.Scalar(6f)));
        model.Graph.AddOutput(model.Graph.Add("Abs", clamped));

        AssertQuantizes(model, [64, 256]);

        Dictionary<string, int> operators = OptimizedGraph.Operators(model);
        Assert.AreEqual(1, operators.GetValueOrDefault("MatMulIntegerToFloat") + operators.GetValueOrDefault("QGemm"), string.Join(", ", operators));
        Assert.IsFalse(operators.ContainsKey("DequantizeLinear"), string.Join(", ", operators));
    }

    [TestMethod]
    public void Turns_a_pointwise_convolution_behind_global_pooling_into_a_product()
    {
        SmallNetwork network = new();
        Value pooled = network.Graph.Add("GlobalAveragePool", network.Convolve(network.Input, "a"));
        Value logits = network.Graph.AddNode("Conv", [pooled, network.Weight("classes.w", 10, 32, 1, 1), network.Weight("classes.b", 10)], name: "classes").Output;
        network.Output(network.Graph.Add("Flatten", logits));
        CalibratedModel calibrated = new(network.Model, new PassContext(TargetProfiles.CpuX64, network.Samples), RangeMethod.MinMax, QuantizedWeight.Nearest);

        Model form = calibrated.Form(calibrated.All(new FloatNodes()));

        Assert.AreEqual(1, OptimizedGraph.Operators(form)["QGemm"]);
    }

    [TestMethod]
    public void Gives_a_channel_of_zero_weights_a_bias_that_fits()
    {
        SmallNetwork network = new();
        Value first = network.Convolve(network.Input, "a");
        Value weight = network.Graph.Initializers.Single(value => value.Name == "a.w");
        float[] values = weight.Initializer!.ToSingles();
        values.AsSpan(0, 288).Clear();
        values.AsSpan(288, 288).Fill(1e-20f);
        weight.Initializer = Tensor.Create([32, 32, 3, 3], values);
        network.Classify(network.Convolve(first, "b"));

        Assert.IsLessThan(Tolerance, network.QuantizationError());
    }

    [TestMethod]
    public void Lets_two_layers_share_one_weight()
    {
        SmallNetwork network = new();
        Value first = network.Convolve(network.Input, "a");
        Node again = network.Graph.AddNode("Conv", [first, network.Graph.Find("a.w"), network.Graph.Find("a.b")], name: "again").Set("pads", [1L, 1, 1, 1]);
        network.Classify(again.Output);

        Assert.IsLessThan(Tolerance, network.QuantizationError());
        Assert.IsTrue(network.Graph.Find("a.w_quantized")!.Initializer!.Span<sbyte>().ToArray().All(code => Math.Abs((int)code) <= 64), "ONNX Runtime does not load 8 bits on processors without VNNI.");
    }

    [TestMethod]
    public void Keeps_tensorrt_symmetric_with_float_biases_and_conversions_in_front_of_layers_only()
    {
        SmallNetwork network = new();
        Value first = network.Graph.Add("Relu", network.Convolve(network.Input, "a"));
        network.Classify(network.Graph.Add("Relu", network.Graph.Add("Add", network.Convolve(first, "b"), first)));

        Assert.IsLessThan(Tolerance, network.QuantizationError(TargetProfiles.TensorRt));

        foreach (Node quantize in network.Graph.Nodes.Where(node => node.OpType == "QuantizeLinear"))
        {
            Assert.AreEqual(0, quantize.Inputs[2]!.Initializer!.Span<sbyte>()[0]);
        }

        Assert.IsTrue(network.Graph.Nodes.Where(node => node.OpType == "Conv").All(node => node.Inputs[2]!.Initializer!.ElementType == ElementType.Float));
        Assert.AreEqual(2, network.Graph.Nodes.Count(node => node.OpType == "Relu"));
    }

    [TestMethod]
    public void Is_deterministic()
    {
        SmallNetwork network = new();
        network.Classify(network.Convolve(network.Convolve(network.Input, "a"), "b"));
        Model twin = network.Model.Clone();
        network.Quantize();
        new StaticQuantization().Apply(twin, new PassContext(TargetProfiles.CpuX64, ListedSamples.Random(SmallNetwork.InputShape, 8)));

        CollectionAssert.AreEqual(network.Model.ToBytes(), twin.ToBytes());
    }

    private static float Scale(Node node) => node.Inputs[1]!.Initializer!.Span<float>()[0];

    private static void AssertQuantizes(Model model, long[] shape)
    {
        Tensor sample = ListedSamples.Random(shape, 4).Read().First().Inputs[0];
        using Inference.ModelSession before = Inference.ModelSession.Open(model);
        Tensor expected = before.Run([sample])[0];
        PassOutcome outcome = new StaticQuantization().Apply(model, new PassContext(TargetProfiles.CpuX64, ListedSamples.Random(shape, 4)));
        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        using Inference.ModelSession after = Inference.ModelSession.Open(model);
        Assert.IsLessThan(Tolerance, RealModels.RelativeError(expected, after.Run([sample])[0]));
    }
}
