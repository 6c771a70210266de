using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

/// <summary>Models that other tools quantized, as TensorRT's parser sees them.</summary>
[TestClass]
public sealed class UntakenIntegersTests
{
    [TestMethod]
    public void Int8_with_zero_point_0_is_taken() => Assert.IsNull(Of(Tensor.Scalar((sbyte)0)));

    [TestMethod]
    public void Another_zero_point_is_named() =>
        Assert.AreEqual(
            "it takes QuantizeLinear and DequantizeLinear of int8 with zero point 0 only, and 2 of the model's nodes are others, the first of them: QuantizeLinear 'q' with zero point -128",
            Of(Tensor.Scalar((sbyte)-128)));

    [TestMethod]
    public void Unsigned_codes_are_not_taken_whatever_their_zero_point() => StringAssert.EndsWith(Of(Tensor.Scalar((byte)0)), "QuantizeLinear 'q' of uint8");

    [TestMethod]
    public void Without_a_zero_point_codes_are_unsigned() => StringAssert.EndsWith(Of(zeroPoint: null), "QuantizeLinear 'q' of uint8");

    [TestMethod]
    public void Without_a_zero_point_the_stated_type_counts() => Assert.IsNull(Of(zeroPoint: null, stated: ElementType.Int8));

    [TestMethod]
    public void A_zero_point_of_one_channel_counts() => StringAssert.EndsWith(Of(Tensor.Vector<sbyte>(0, 0, 3, 0)), "with zero point 3");

    [TestMethod]
    [DataRow(0, null)]
    [DataRow(0x21, "QuantizeLinear 'q' with another zero point")]
    public void Codes_of_4_bits_are_taken_with_zero_point_0(int packed, string? expected)
    {
        string? untaken = Of(Tensor.FromBytes(ElementType.Int4, [2], new[] { (byte)packed }));

        Assert.AreEqual(expected is not null, untaken?.EndsWith(expected ?? "", StringComparison.Ordinal) ?? false, untaken);
    }

    [TestMethod]
    public void Biases_of_int32_are_not_taken()
    {
        Model model = Model.Create("bias", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 4));
        Value bias = model.Graph.AddNode("DequantizeLinear", [model.Graph.AddInitializer("b", Tensor.Vector(1, 2, 3, 4)), model.Graph.AddInitializer("s", Tensor.Scalar(0.5f))], name: "d").Output;
        model.Graph.AddOutput(model.Graph.Add("Add", x, bias));

        Assert.AreEqual(
            "it takes QuantizeLinear and DequantizeLinear of int8 with zero point 0 only, and 1 of the model's nodes is another: DequantizeLinear 'd' of int32",
            UntakenIntegers.In(model));
    }

    [TestMethod]
    [DataRow("micro_kws_m_qdq.onnx", "with zero point")]
    [DataRow("micro_kws_m_qoperator_softmax.onnx", "with zero point")]
    public void Models_of_other_tools_are_told(string name, string expected) =>
        StringAssert.Contains(UntakenIntegers.In(Model.Load(RealModels.Require(name))), expected);

    [TestMethod]
    public void Operators_that_compute_in_integers_are_not_taken()
    {
        Model model = Model.Create("product", 17, 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Int8, 1, 4));
        model.Graph.AddOutput(model.Graph.AddNode("MatMulInteger", [x, model.Graph.AddInitializer("w", Tensor.Create([4, 1], new sbyte[] { 1, 2, 3, 4 }))], name: "m").Output);

        StringAssert.EndsWith(UntakenIntegers.In(model), "MatMulInteger 'm'");
    }

    [TestMethod]
    public void What_is_quantized_here_for_TensorRT_is_taken()
    {
        SmallNetwork network = new();
        network.Classify(network.Convolve(network.Convolve(network.Input, "a"), "b"));
        Assert.IsTrue(network.Quantize(TargetProfiles.TensorRt).Changed);

        Assert.IsTrue(network.Graph.Nodes.Any(node => node.OpType == "QuantizeLinear"));
        Assert.IsNull(UntakenIntegers.In(network.Model));
    }

    private static string? Of(Tensor? zeroPoint, ElementType? stated = null)
    {
        Model model = Model.Create("pair", 21, 10);
        Graph graph = model.Graph;
        Value x = graph.AddInput("x", new TensorType(ElementType.Float, 1, 4));
        Value scale = graph.AddInitializer("s", Tensor.Scalar(0.5f));
        Value? zero = zeroPoint is null ? null : graph.AddInitializer("z", zeroPoint);
        Value?[] parameters = zero is null ? [scale] : [scale, zero];
        Node quantize = graph.AddNode("QuantizeLinear", [x, .. parameters], name: "q");
        if (stated is { } type)
        {
            quantize.Set("output_dtype", (long)type);
        }

        graph.AddOutput(graph.AddNode("DequantizeLinear", [quantize.Output, .. parameters], name: "d").Output);
        return UntakenIntegers.In(model);
    }
}
