using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

[TestClass]
public sealed class StaticQuantizationRefusalTests
{
    [TestMethod]
    [DataRow("micro_kws_m_qdq.onnx", "quantized already")]
    [DataRow("micro_kws_m_qoperator_softmax.onnx", "quantized already")]
    [DataRow("squeezenet_fp16.onnx", "float16")]
    public void Leaves_a_model_alone_that_is_not_float32(string name, string reason)
    {
        Model model = Model.Load(RealModels.Require(name));
        AssertRefused(model, new ListedSamples(), reason);
    }

    [TestMethod]
    public void Needs_calibration_samples()
    {
        SmallNetwork network = new();
        network.Classify(network.Convolve(network.Input, "a"));
        AssertRefused(network.Model, null, "calibration samples");
    }

    [TestMethod]
    public void Names_the_tensor_that_is_not_finite()
    {
        SmallNetwork network = new();
        Value broken = network.Graph.Add("Sqrt", network.Input);
        broken.Name = "roots";
        network.Classify(network.Convolve(broken, "a"));
        AssertRefused(network.Model, ListedSamples.Random(SmallNetwork.InputShape, 2), "'roots' holds numbers that are not finite");
    }

    [TestMethod]
    public void Has_nothing_for_a_target_without_integer_activations()
    {
        SmallNetwork network = new();
        network.Classify(network.Convolve(network.Input, "a"));
        PassOutcome outcome = new StaticQuantization().Apply(network.Model, new PassContext(TargetProfiles.Cuda, ListedSamples.Random(SmallNetwork.InputShape, 2)));
        Assert.IsFalse(outcome.Changed);
        StringAssert.Contains(outcome.Explanation, "cuda");
    }

    [TestMethod]
    public void Leaves_weights_in_float_that_callers_may_override()
    {
        SmallNetwork network = new();
        network.Output(network.Graph.Add("GlobalAveragePool", network.Convolve(network.Input, "a")));
        Value weight = network.Graph.Find("a.w")!;
        Model model = Overridable(network.Model, weight.Name);
        AssertRefused(model, ListedSamples.Random(SmallNetwork.InputShape, 2), "None of the 1");
    }

    [TestMethod]
    public void Keeps_a_network_in_float_that_is_too_small_for_integers_to_pay()
    {
        Model model = Model.Create("tiny", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 3, 8, 8));
        Node convolution = model.Graph.AddNode("Conv", [x, model.Graph.AddInitializer("w", Weights.Uniform(new Random(1), [4, 3, 3, 3]))], name: "c");
        model.Graph.AddOutput(model.Graph.Add("GlobalAveragePool", convolution.Output));
        AssertRefused(model, ListedSamples.Random([1, 3, 8, 8], 2), "None of the 1", "would make it slower");
    }

    [TestMethod]
    public void Says_why_no_layer_computes_in_integers_and_of_how_many_that_holds()
    {
        SmallNetwork network = new();
        Value first = network.Convolve(network.Input, "a");
        network.Output(first);
        Value second = network.Convolve(first, "b");
        second.Name = "z";
        second.Type = network.Input.Type;
        network.Graph.AddOutput(second);

        PassOutcome outcome = network.Quantize();

        Assert.AreEqual(
            "None of the 2 Conv, MatMul and Gemm computes in integers: its result reaches an output without a further layer or pooling, so that 8 bits would show in the result (2).",
            outcome.Explanation);
        Assert.IsTrue(outcome.Plan!.Layers.All(layer => layer.Reason is not null));
    }

    [TestMethod]
    public void Says_that_a_transposed_convolution_has_no_integer_kernel()
    {
        SmallNetwork network = new();
        Value wide = network.Graph.AddNode("ConvTranspose", [network.Convolve(network.Input, "a"), network.Weight("t", SmallNetwork.Channels, SmallNetwork.Channels, 2, 2)], name: "t").Set("strides", [2L, 2]).Output;
        network.Classify(network.Convolve(wide, "b"));
        PassOutcome outcome = network.Quantize();
        CollectionAssert.Contains(outcome.Refusals.ToArray(), "ConvTranspose 't' stays in float: ONNX Runtime has no integer kernel for ConvTranspose.");
    }

    [TestMethod]
    public void Gives_a_tensor_of_zeros_a_safe_scale()
    {
        SmallNetwork network = new();
        Value nothing = network.Graph.Add("Relu", network.Graph.Add("Neg", network.Graph.Add("Abs", network.Input)));
        network.Classify(network.Convolve(nothing, "a"));
        Assert.IsLessThan(0.03, network.QuantizationError());
    }

    private static Model Overridable(Model model, string weight)
    {
        Tensor stored = model.Graph.Find(weight)!.Initializer!;
        Model copy = Model.Create("overridable", model.Opset, model.IrVersion);
        Value x = copy.Graph.AddInput("x", new TensorType(ElementType.Float, 1, SmallNetwork.Channels, 16, 16));
        Value w = copy.Graph.AddInput("w", new TensorType(ElementType.Float, [.. stored.Dimensions.Select(size => (Dimension)size)]));
        w.Initializer = stored;
        copy.Graph.AddOutput(copy.Graph.Add("GlobalAveragePool", copy.Graph.AddNode("Conv", [x, w], name: "a").Output));
        return copy;
    }

    private static void AssertRefused(Model model, ListedSamples? samples, params string[] reasons)
    {
        byte[] before = model.ToBytes();
        PassOutcome outcome = new StaticQuantization().Apply(model, new PassContext(TargetProfiles.CpuX64, samples));
        Assert.IsFalse(outcome.Changed, outcome.Explanation);
        foreach (string reason in reasons)
        {
            StringAssert.Contains(outcome.Explanation + string.Join("\n", outcome.Refusals), reason);
        }

        CollectionAssert.AreEqual(before, model.ToBytes());
    }
}
