using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

/// <summary>Which layers stay in float although they are large, with what reason; and odd forms of layers that do not have to.</summary>
[TestClass]
public sealed class LayerRefusalTests
{
    [TestMethod]
    public void Weights_that_are_computed_keep_their_layer_in_float()
    {
        IntegerNetwork network = IntegerNetwork.On([64, 256], n =>
        {
            Value computed = n.Graph.Add("Tanh", n.Weight("W", 256, 256));
            Value first = n.Graph.AddNode("MatMul", [n.X, computed], name: "product").Output;
            return n.Graph.Add("MatMul", first, n.Weight("W2", 256, 256));
        }).Quantize();

        Assert.Contains("MatMul 'product' stays in float: its weights are not constant", network.Refusals);
        network.AssertFused(("MatMulIntegerToFloat", 1), ("MatMul", 1));
    }

    [TestMethod]
    public void Weights_that_callers_may_override_keep_their_layer_in_float()
    {
        IntegerNetwork network = IntegerNetwork.On([64, 256], n =>
        {
            Value weight = n.Graph.AddInput("W", new TensorType(ElementType.Float, 256, 256));
            weight.Initializer = GeneratedSamples.Numbers(1, [256, 256]);
            return n.Graph.AddNode("MatMul", [n.X, weight], name: "product").Output;
        }).Quantize();

        Assert.IsFalse(network.Outcome!.Changed);
        Assert.Contains("MatMul 'product' stays in float: its weights are not constant", network.Refusals);
    }

    [TestMethod]
    public void A_convolution_whose_result_is_an_output_stays_in_float()
    {
        IntegerNetwork network = IntegerNetwork.On([1, 64, 14, 14], n => n.Convolution(n.Convolution(n.X))).Quantize();

        Assert.Contains("its result reaches an output", network.Refusals);
        network.AssertFused(("QLinearConv", 1), ("Conv", 1));
        network.AssertAnswersAlike(tolerance: 0.03);
    }

    [TestMethod]
    public void A_gemm_that_transposes_its_input_stays_in_float()
    {
        IntegerNetwork network = IntegerNetwork.On([256, 64], n =>
            n.Graph.AddNode("Gemm", [n.X, n.Weight("W", 256, 256)], name: "product").Set("transA", 1L).Output).Quantize();

        Assert.Contains("Gemm 'product' stays in float: it transposes its input", network.Refusals);
    }

    [TestMethod]
    public void A_gemm_whose_bias_differs_by_row_stays_in_float()
    {
        IntegerNetwork network = IntegerNetwork.On([64, 256], n =>
            n.Graph.AddNode("Gemm", [n.X, n.Weight("W", 256, 256), n.Weight("b", 64, 256)], name: "product").Output).Quantize();

        Assert.Contains("Gemm 'product' stays in float: its bias is not one", network.Refusals);
    }

    [TestMethod]
    [DataRow(256, DisplayName = "[256]")]
    [DataRow(-256, DisplayName = "[1, 256]")]
    [DataRow(1, DisplayName = "[1]")]
    [DataRow(0, DisplayName = "scalar")]
    public void A_gemm_takes_its_bias_in_every_form_that_means_one_number_a_column(int form)
    {
        IntegerNetwork network = IntegerNetwork.On([64, 256], n =>
            n.Graph.Add("Gemm", n.X, n.Weight("W", 256, 256), form switch
            {
                0 => n.Weight("b"),
                < 0 => n.Weight("b", 1, -form),
                _ => n.Weight("b", form),
            })).Quantize();

        network.AssertFused(("QGemm", 1), ("Gemm", 0));
        network.AssertAnswersAlike(tolerance: 0.02);
    }

    [TestMethod]
    [DataRow(0L, 1f, 1f)]
    [DataRow(1L, 1f, 1f)]
    [DataRow(1L, 0.5f, 3f)]
    public void A_gemm_that_transposes_or_scales_its_weights_runs_as_integers(long transB, float alpha, float beta)
    {
        IntegerNetwork network = IntegerNetwork.On([64, 256], n =>
            n.Graph.AddNode("Gemm", [n.X, transB == 0 ? n.Weight("W", 256, 128) : n.Weight("W", 128, 256), n.Weight("b", 128)])
                .Set("transB", transB).Set("alpha", alpha).Set("beta", beta).Output).Quantize();

        network.AssertFused(("QGemm", 1), ("Gemm", 0));
        network.AssertAnswersAlike(tolerance: 0.02);
    }

    [TestMethod]
    public void A_small_layer_stays_in_float_because_integers_would_be_slower()
    {
        IntegerNetwork network = IntegerNetwork.On([1, 3, 8, 8], n =>
            n.Graph.Add("GlobalAveragePool", n.Convolution(n.X, inputs: 3, outputs: 4))).Quantize();

        Assert.IsFalse(network.Outcome!.Changed);
        Assert.Contains("slower", network.Refusals);
    }

    [TestMethod]
    public void Infinite_weights_keep_their_layer_in_float()
    {
        IntegerNetwork network = IntegerNetwork.On([64, 256], n =>
        {
            float[] numbers = GeneratedSamples.Numbers(1, [256 * 256]).ToSingles();
            numbers[7] = float.NegativeInfinity;
            Value first = n.Graph.AddNode("Clip", [n.Graph.AddNode("MatMul", [n.X, n.Graph.AddInitializer("W", Tensor.Create([256, 256], numbers))], name: "product").Output,
                n.Graph.AddInitializer("low", Tensor.Scalar(-10f)), n.Graph.AddInitializer("high", Tensor.Scalar(10f))]).Output;
            return n.Graph.Add("MatMul", first, n.Weight("W2", 256, 256));
        }).Quantize();

        Assert.Contains("MatMul 'product' stays in float: its weights", network.Refusals);
    }

    [TestMethod]
    public void An_infinite_bias_keeps_its_layer_in_float()
    {
        IntegerNetwork network = IntegerNetwork.On([64, 256], n =>
            n.Graph.AddNode("Gemm", [n.X, n.Weight("W", 256, 256), n.Graph.AddInitializer("b", Tensor.Scalar(float.PositiveInfinity))], name: "product").Output).Quantize();

        Assert.Contains("Gemm 'product' stays in float: its bias", network.Refusals);
    }

    [TestMethod]
    public void A_target_for_any_processor_takes_the_same_layers()
    {
        IntegerNetwork network = IntegerNetwork.OnImages(n => n.Convolution(n.Graph.Add("Relu", n.Convolution(n.X)))).Quantize(TargetProfiles.Cpu);

        network.AssertFused(("QLinearConv", 2), ("Conv", 0));
        network.AssertAnswersAlike();
    }
}
