using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

/// <summary>Odd forms of layers, and readers of their results: what runs as integers, and what stays in float with which reason.</summary>
[TestClass]
public sealed class QuantizedLayerTests
{
    private const double Tolerance = 0.03;

    private static readonly long[] Rows = [64, 256];

    [TestMethod]
    public void Weights_that_are_computed_keep_their_layer_in_float()
    {
        SmallNetwork network = new(shape: Rows);
        Value computed = network.Graph.Add("Tanh", network.Weight("w", 256, 256));
        network.Output(network.Graph.AddNode("MatMul", [network.Input, computed], name: "product").Output);

        AssertStaysFloat(network, "MatMul 'product' stays in float: both of its factors are computed");
    }

    [TestMethod]
    public void A_gemm_that_transposes_its_input_stays_in_float()
    {
        SmallNetwork network = new(shape: [256, 64]);
        network.Output(network.Graph.AddNode("Gemm", [network.Input, network.Weight("w", 256, 256)], name: "product").Set("transA", 1L).Output);

        AssertStaysFloat(network, "Gemm 'product' stays in float: it transposes its input");
    }

    [TestMethod]
    public void A_gemm_whose_bias_differs_by_row_stays_in_float()
    {
        SmallNetwork network = new(shape: Rows);
        network.Output(network.Graph.AddNode("Gemm", [network.Input, network.Weight("w", 256, 256), network.Weight("b", 64, 256)], name: "product").Output);

        AssertStaysFloat(network, "Gemm 'product' stays in float: its bias is not one constant number for each output");
    }

    [TestMethod]
    public void A_product_with_an_added_bias_computes_in_integers_though_the_runtime_would_make_a_float_gemm_of_both()
    {
        SmallNetwork network = new(shape: [2, 64, 256]);
        Value product = network.Graph.AddNode("MatMul", [network.Input, network.Weight("w", 256, 256)], name: "product").Output;
        network.Output(network.Graph.Add("Sigmoid", network.Graph.Add("Add", product, network.Weight("b", 256))));

        Assert.IsTrue(network.Quantize().Changed);

        Dictionary<string, int> operators = OptimizedGraph.Operators(network.Model);
        Assert.IsFalse(operators.ContainsKey("Gemm"), string.Join(", ", operators));
        Assert.AreEqual(1, operators["MatMulIntegerToFloat"]);
    }

    [TestMethod]
    public void Infinite_weights_keep_their_layer_in_float()
    {
        SmallNetwork network = new(shape: Rows);
        Value weight = network.Weight("w", 256, 256);
        float[] numbers = weight.Initializer!.ToSingles();
        numbers[7] = float.NegativeInfinity;
        weight.Initializer = Tensor.Create([256, 256], numbers);
        network.Output(network.Graph.AddNode("MatMul", [network.Input, weight], name: "product").Output);

        AssertStaysFloat(network, "MatMul 'product' stays in float: its weights hold numbers that are not finite");
    }

    [TestMethod]
    public void An_infinite_bias_keeps_its_layer_in_float()
    {
        SmallNetwork network = new(shape: Rows);
        Value bias = network.Graph.AddInitializer("b", Tensor.Scalar(float.PositiveInfinity));
        network.Output(network.Graph.AddNode("Gemm", [network.Input, network.Weight("w", 256, 256), bias], name: "product").Output);

        AssertStaysFloat(network, "Gemm 'product' stays in float: its bias holds numbers that are not finite");
    }

    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    public void A_gemm_takes_one_number_as_the_bias_of_every_column(int rank)
    {
        SmallNetwork network = new(shape: Rows);
        Value bias = network.Weight("b", rank == 0 ? [] : [1]);
        network.Output(network.Graph.Add("Gemm", network.Input, network.Weight("w", 256, 256), bias));

        Assert.IsLessThan(Tolerance, network.QuantizationError());
        Assert.AreEqual(1, OptimizedGraph.Operators(network.Model)["QGemm"]);
    }

    [TestMethod]
    public void Layers_that_share_a_bias_each_have_it_in_their_own_unit()
    {
        SmallNetwork network = new();
        Value bias = network.Weight("shared", 32);
        Value first = network.Graph.AddNode("Conv", [network.Input, network.Weight("w1", 32, 32, 3, 3), bias]).Output;
        network.Classify(network.Graph.AddNode("Conv", [network.Graph.Add("Relu", first), network.Weight("w2", 32, 32, 3, 3), bias]).Output);

        Assert.IsLessThan(Tolerance, network.QuantizationError());
        Assert.AreEqual(2, OptimizedGraph.Operators(network.Model)["QLinearConv"]);
    }

    [TestMethod]
    public void Gemms_that_share_their_weights_and_bias_run_as_integers()
    {
        SmallNetwork network = new(shape: Rows);
        (Value weight, Value bias) = (network.Weight("w", 256, 256), network.Weight("b", 256));
        network.Output(network.Graph.Add("Gemm", network.Graph.Add("Gemm", network.Input, weight, bias), weight, bias));

        Assert.IsLessThan(Tolerance, network.QuantizationError());
        Assert.AreEqual(2, OptimizedGraph.Operators(network.Model)["QGemm"]);
    }

    [TestMethod]
    public void A_weight_that_something_in_float_reads_too_stays_beside_its_integers()
    {
        SmallNetwork network = new(shape: [256, 256]);
        Value weight = network.Weight("w", 256, 256);
        network.Output(network.Graph.Add("Mul", network.Graph.Add("MatMul", network.Input, weight), network.Graph.Add("Tanh", weight)));

        Assert.IsLessThan(Tolerance, network.QuantizationError());
        Assert.AreEqual(ElementType.Float, network.Graph.Find("w")!.Initializer!.ElementType);
        Assert.AreEqual(1, OptimizedGraph.Operators(network.Model)["MatMulIntegerToFloat"]);
    }

    [TestMethod]
    public void A_product_whose_result_is_an_output_too_keeps_its_floats_exact()
    {
        SmallNetwork network = new(shape: Rows);
        Value hidden = network.Graph.AddNode("MatMul", [network.Input, network.Weight("w1", 256, 256)], name: "product").Output;
        network.Output(network.Graph.Add("MatMul", hidden, network.Weight("w2", 256, 256)));
        network.Graph.AddOutput(hidden);

        PassOutcome outcome = network.Quantize();

        Assert.Contains("its result is an output that further integer operators would read", string.Join("\n", outcome.Refusals));
        Dictionary<string, int> operators = OptimizedGraph.Operators(network.Model);
        Assert.AreEqual(1, operators["MatMulIntegerToFloat"]);
        Assert.AreEqual(1, operators["MatMul"]);
        Assert.IsFalse(operators.ContainsKey("DequantizeLinear"));
    }

    [TestMethod]
    public void A_concat_that_is_an_output_does_not_join_the_scales_of_what_it_reads()
    {
        SmallNetwork network = new(shape: Rows);
        Value hidden = network.Graph.Add("Relu", network.Graph.Add("MatMul", network.Input, network.Weight("w", 256, 256)));
        Random random = new(3);
        Value boxes = network.Graph.Add("Gemm", hidden, network.Graph.AddInitializer("boxes", Weights.Uniform(random, [256, 128], -40, 40)));
        Value scores = network.Graph.Add("Gemm", hidden, network.Graph.AddInitializer("scores", Weights.Uniform(random, [256, 128], -0.01f, 0.01f)));
        network.Output(network.Graph.AddNode("Concat", [boxes, scores]).Set("axis", 1L).Output);
        Model before = network.Model.Clone();

        Assert.IsTrue(network.Quantize().Changed);

        (float[] expected, float[] actual) = (Run(before, network), Run(network.Model, network));
        Assert.IsLessThan(Tolerance, WorstOf(expected, actual, column => column < 128));
        Assert.IsLessThan(Tolerance, WorstOf(expected, actual, column => column >= 128), "the scores are 4000 times smaller than the boxes");
    }

    [TestMethod]
    public void A_value_that_integers_and_floats_read_is_computed_once()
    {
        SmallNetwork network = new();
        Value shared = network.Convolve(network.Input, "a");
        network.Classify(network.Graph.Add("Mul", network.Convolve(shared, "b"), network.Graph.Add("Tanh", shared)));

        Assert.IsLessThan(Tolerance, network.QuantizationError());
        Dictionary<string, int> operators = OptimizedGraph.Operators(network.Model);
        Assert.AreEqual(2, operators["QLinearConv"]);
        Assert.IsFalse(operators.ContainsKey("Conv"));
    }

    [TestMethod]
    public void Grouped_and_one_dimensional_convolutions_run_as_integers()
    {
        SmallNetwork network = new(shape: [1, 64, 400]);
        Value first = network.Graph.AddNode("Conv", [network.Input, network.Weight("w1", 64, 64, 5)]).Set("pads", [2L, 2]).Output;
        Value grouped = network.Graph.AddNode("Conv", [network.Graph.Add("Relu", first), network.Weight("w2", 64, 32, 5)]).Set("pads", [2L, 2]).Set("group", 2L).Output;
        network.Output(network.Graph.Add("GlobalAveragePool", grouped));

        Assert.IsLessThan(Tolerance, network.QuantizationError());
        Assert.AreEqual(2, OptimizedGraph.Operators(network.Model)["QLinearConv"]);
    }

    [TestMethod]
    public void Products_with_moves_between_them_hand_on_integers()
    {
        SmallNetwork network = new(shape: [128, 256]);
        Value hidden = network.Graph.Add("MatMul", network.Input, network.Weight("w1", 256, 256));
        Value shaped = network.Graph.Add("Reshape", hidden, network.Constant("shape", 2, 64, 256));
        Value turned = network.Graph.AddNode("Transpose", [shaped]).Set("perm", [1L, 0, 2]).Output;
        network.Output(network.Graph.Add("MatMul", turned, network.Weight("w2", 256, 256)));

        Assert.IsLessThan(Tolerance, network.QuantizationError());
        Dictionary<string, int> operators = OptimizedGraph.Operators(network.Model);
        Assert.AreEqual(1, operators["QLinearMatMul"]);
        Assert.AreEqual(1, operators["MatMulIntegerToFloat"]);
    }

    [TestMethod]
    [DataRow(0.3f)]
    [DataRow(6f)]
    public void A_clip_from_zero_is_absorbed_whether_or_not_the_data_reaches_its_bound(float bound)
    {
        SmallNetwork network = Clipped(0, bound);

        Assert.IsLessThan(Tolerance, network.QuantizationError());
        Assert.IsFalse(OptimizedGraph.Operators(network.Model).ContainsKey("Clip"));
    }

    [TestMethod]
    public void A_clip_that_does_not_start_at_zero_still_clips()
    {
        SmallNetwork network = Clipped(0.2f, 0.5f);

        Assert.IsLessThan(Tolerance, network.QuantizationError());
        Assert.AreEqual(1, OptimizedGraph.Operators(network.Model)["Clip"]);
    }

    [TestMethod]
    public void Integers_do_not_begin_behind_a_pooling_in_float()
    {
        // The runtime moves the quantization in front of the pooling, whose integer kernel for planes takes eight times as long.
        SmallNetwork network = new(shape: [1, 3, 96, 96]);
        Value first = network.Graph.Add("Relu", network.Convolve(network.Input, "first", inputs: 3, outputs: 24));
        Value pooled = network.Graph.AddNode("MaxPool", [first]).Set("kernel_shape", [3L, 3]).Set("strides", [2L, 2]).Output;
        Value narrow = network.Graph.Add("Relu", network.Graph.AddNode("Conv", [pooled, network.Weight("narrow", 24, 24, 1, 1)], name: "narrow").Output);
        network.Classify(network.Convolve(network.Graph.Add("Relu", network.Convolve(narrow, "a", inputs: 24, outputs: 24)), "b", inputs: 24));

        Assert.IsTrue(network.Quantize().Changed);

        Assert.IsFalse(pooled.Uses.Any(use => use.Node.OpType == "QuantizeLinear"));
    }

    private static SmallNetwork Clipped(float lowest, float highest)
    {
        SmallNetwork network = new();
        Value first = network.Convolve(network.Input, "a");
        Value clipped = network.Graph.Add(
            "Clip", first, network.Graph.AddInitializer("lowest", Tensor.Scalar(lowest)), network.Graph.AddInitializer("highest", Tensor.Scalar(highest)));
        network.Classify(network.Convolve(clipped, "b"));
        return network;
    }

    private static void AssertStaysFloat(SmallNetwork network, string refusal)
    {
        PassOutcome outcome = network.Quantize();
        Assert.IsFalse(outcome.Changed);
        Assert.Contains(refusal, string.Join("\n", outcome.Refusals));
    }

    private static float[] Run(Model model, SmallNetwork network)
    {
        using Inference.ModelSession session = Inference.ModelSession.Open(model);
        return session.Run(network.Samples.Read().First().Inputs)[0].ToSingles();
    }

    private static double WorstOf(float[] expected, float[] actual, Func<int, bool> includes)
    {
        int[] places = [.. Enumerable.Range(0, expected.Length).Where(place => includes(place % 256))];
        return places.Max(place => Math.Abs((double)expected[place] - actual[place])) / places.Max(place => Math.Abs((double)expected[place]));
    }
}
