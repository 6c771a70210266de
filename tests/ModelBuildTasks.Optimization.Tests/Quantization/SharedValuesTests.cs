using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

/// <summary>Values with several readers: shared weights, inner results that are outputs, Concats.</summary>
[TestClass]
public sealed class SharedValuesTests
{
    [TestMethod]
    public void Convolutions_that_share_their_weights_share_the_quantized_ones()
    {
        IntegerNetwork network = IntegerNetwork.OnImages(n =>
        {
            Value weight = n.Weight("W", 64, 64, 3, 3);
            Value first = n.Graph.AddNode("Conv", [n.X, weight]).Set("pads", [1L, 1, 1, 1]).Output;
            return n.Graph.AddNode("Conv", [n.Graph.Add("Relu", first), weight]).Set("pads", [1L, 1, 1, 1]).Output;
        }).Quantize();

        Assert.HasCount(1, network.Graph.Initializers.Where(value => value.Initializer!.Dimensions.Count == 4).ToArray());
        network.AssertFused(("QLinearConv", 2));
        network.AssertAnswersAlike();
    }

    [TestMethod]
    public void Layers_that_share_a_bias_each_have_it_in_their_own_unit()
    {
        IntegerNetwork network = IntegerNetwork.OnImages(n =>
        {
            Value bias = n.Weight("b", 64);
            Value first = n.Graph.AddNode("Conv", [n.X, n.Weight("W1", 64, 64, 3, 3), bias]).Set("pads", [1L, 1, 1, 1]).Output;
            return n.Graph.AddNode("Conv", [n.Graph.Add("Relu", first), n.Weight("W2", 64, 64, 3, 3), bias]).Set("pads", [1L, 1, 1, 1]).Output;
        }).Quantize();

        Assert.HasCount(2, network.Graph.Initializers.Where(value => value.Initializer!.ElementType == ElementType.Int32 && value.Initializer.Span<int>().ContainsAnyExcept(0)).ToArray());
        network.AssertFused(("QLinearConv", 2));
        network.AssertAnswersAlike();
    }

    [TestMethod]
    public void Gemms_that_share_their_weights_and_bias_run_as_integers()
    {
        IntegerNetwork network = IntegerNetwork.On([64, 256], n =>
        {
            Value weight = n.Weight("W", 256, 256);
            Value bias = n.Weight("b", 256);
            return n.Graph.Add("Gemm", n.Graph.Add("Gemm", n.X, weight, bias), weight, bias);
        }).Quantize();

        network.AssertFused(("QGemm", 2), ("Gemm", 0));
        network.AssertAnswersAlike();
    }

    [TestMethod]
    public void A_weight_that_something_in_float_reads_too_stays_beside_its_integers()
    {
        IntegerNetwork network = IntegerNetwork.On([256, 256], n =>
        {
            Value weight = n.Weight("W", 256, 256);
            return n.Graph.Add("Mul", n.Graph.Add("MatMul", n.X, weight), n.Graph.Add("Tanh", weight));
        }).Quantize();

        Assert.AreEqual(ElementType.Float, network.Graph.Find("W")!.Initializer!.ElementType);
        network.AssertFused(("MatMulIntegerToFloat", 1));
        network.AssertAnswersAlike();
    }

    [TestMethod]
    public void An_inner_result_that_is_an_output_keeps_its_name_and_its_floats()
    {
        IntegerNetwork network = IntegerNetwork.On([64, 256], n =>
        {
            Value hidden = n.Graph.Add("MatMul", n.X, n.Weight("W1", 256, 256));
            hidden.Name = "hidden";
            n.Graph.AddOutput(hidden);
            return n.Graph.Add("MatMul", hidden, n.Weight("W2", 256, 256));
        }).Quantize();

        using ModelSession session = ModelSession.Open(network.Model);
        CollectionAssert.AreEqual(new[] { "hidden", "y" }, session.Outputs.Select(output => output.Name).ToArray());
        Assert.IsTrue(session.Outputs.All(output => output.ElementType == ElementType.Float));
        Assert.Contains("its result is an output that further integer operators would read", network.Refusals);
        network.AssertFused(("MatMul", 1), ("MatMulIntegerToFloat", 1), ("DequantizeLinear", 0));
        network.AssertAnswersAlike();
    }

    [TestMethod]
    public void A_concat_between_convolutions_copies_integers_of_one_scale()
    {
        IntegerNetwork network = IntegerNetwork.OnImages(n =>
        {
            Value left = n.Graph.Add("Relu", n.Convolution(n.X, outputs: 32));
            Value right = n.Graph.Add("Relu", n.Convolution(n.X, outputs: 32));
            return n.Convolution(n.Graph.AddNode("Concat", [left, right]).Set("axis", 1L).Output);
        }).Quantize();

        Node concat = network.Nodes("Concat").Single();
        float[] scales = [.. concat.Inputs.Select(input => input!.Producer!.Input(1)!.Constant!.Span<float>()[0])];
        Assert.AreEqual(scales[0], scales[1]);
        network.AssertFused(("QLinearConv", 3), ("QuantizeLinear", 1), ("DequantizeLinear", 0));
        network.AssertAnswersAlike();
    }

    [TestMethod]
    public void A_concat_that_is_an_output_does_not_join_the_scales_of_what_it_reads()
    {
        IntegerNetwork network = IntegerNetwork.On([64, 256], n =>
        {
            Value hidden = n.Graph.Add("Relu", n.Graph.Add("MatMul", n.X, n.Weight("W", 256, 256)));
            Value boxes = n.Graph.Add("Gemm", hidden, n.Graph.AddInitializer("boxes", GeneratedSamples.Numbers(2, [256, 128], -40, 40)));
            Value scores = n.Graph.Add("Gemm", hidden, n.Graph.AddInitializer("scores", GeneratedSamples.Numbers(3, [256, 128], -0.01f, 0.01f)));
            return n.Graph.AddNode("Concat", [boxes, scores]).Set("axis", 1L).Output;
        }).Quantize();

        network.AssertFused(("QGemm", 2), ("Concat", 1), ("DequantizeLinear", 0));
        using ModelSession before = ModelSession.Open(network.Before!);
        using ModelSession after = ModelSession.Open(network.Model);
        float[] expected = before.Run([network.Example])[0].ToSingles();
        float[] actual = after.Run([network.Example])[0].ToSingles();
        Assert.IsLessThanOrEqualTo(0.05, WorstOf(expected, actual, column => column < 128), "boxes");
        Assert.IsLessThanOrEqualTo(0.05, WorstOf(expected, actual, column => column >= 128), "scores, which are 4000 times smaller");
    }

    [TestMethod]
    public void A_concat_of_very_different_ranges_keeps_its_readers_in_float()
    {
        IntegerNetwork network = IntegerNetwork.OnImages(n =>
        {
            Value wide = n.Graph.AddNode("Conv", [n.X, n.Graph.AddInitializer("wide", GeneratedSamples.Numbers(2, [32, 64, 3, 3], -20, 20))]).Set("pads", [1L, 1, 1, 1]).Output;
            Value narrow = n.Convolution(n.X, outputs: 32);
            return n.Convolution(n.Graph.AddNode("Concat", [wide, narrow], name: "join").Set("axis", 1L).Output);
        }).Quantize();

        Assert.Contains("Concat 'join'", network.Refusals);
        network.AssertFused(("QLinearConv", 2), ("Conv", 1));
        network.AssertAnswersAlike();
    }

    private static double WorstOf(float[] expected, float[] actual, Func<int, bool> includes)
    {
        int[] places = [.. Enumerable.Range(0, expected.Length).Where(place => includes(place % 256))];
        return places.Max(place => Math.Abs((double)expected[place] - actual[place])) / places.Max(place => Math.Abs((double)expected[place]));
    }
}
