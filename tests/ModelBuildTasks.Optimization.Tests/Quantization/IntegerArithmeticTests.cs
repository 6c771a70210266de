using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

/// <summary>What ONNX Runtime computes from a quantized model is what plain integer arithmetic computes from its codes.</summary>
[TestClass]
public sealed class IntegerArithmeticTests
{
    [TestMethod]
    [DataRow("cpu-x64")]
    [DataRow("cpu")]
    public void A_product_is_the_sum_of_integer_products_in_the_unit_of_both_scales(string target)
    {
        SmallNetwork network = new(shape: [32, 256]);
        network.Output(network.Graph.AddNode("MatMul", [network.Input, network.Weight("w", 256, 128)], name: "layer").Output);

        AssertEqualsIntegers(network, TargetProfiles.Find(target)!);
    }

    [TestMethod]
    public void A_gemm_adds_its_bias_as_an_integer_of_the_accumulator()
    {
        SmallNetwork network = new(shape: [32, 256]);
        network.Output(network.Graph.AddNode("Gemm", [network.Input, network.Weight("w", 256, 128), network.Weight("b", 128)], name: "layer").Output);

        AssertEqualsIntegers(network, TargetProfiles.CpuX64);
    }

    [TestMethod]
    [DataRow("cpu-x64", 1, 1, 1)]
    [DataRow("cpu-x64", 2, 1, 1)]
    [DataRow("cpu-x64", 1, 2, 1)]
    [DataRow("cpu-x64", 1, 1, 4)]
    [DataRow("cpu", 1, 1, 1)]
    public void A_convolution_sums_integer_products_and_rounds_once(string target, int stride, int dilation, int groups)
    {
        SmallNetwork network = new(shape: [1, 64, 16, 16]);
        Value[] inputs = [network.Input, network.Weight("w", 64, 64 / groups, 3, 3), network.Weight("b", 64)];
        Value first = network.Graph.AddNode("Conv", inputs, name: "layer")
            .Set("pads", [1L, 1, 1, 1]).Set("strides", [(long)stride, stride]).Set("dilations", [(long)dilation, dilation]).Set("group", groups).Output;
        network.Classify(network.Convolve(network.Graph.Add("Relu", first), "next", inputs: 64));
        Assert.IsTrue(network.Quantize(TargetProfiles.Find(target)).Changed);
        Node layer = network.Graph.Nodes.Single(node => node.Name == "layer");
        // The layer's own result, read back as floats, becomes a second output.
        Node quantize = layer.Output.Uses.Single().Node;
        network.Graph.AddOutput(network.Graph.AddNode("DequantizeLinear", [quantize.Output, quantize.Input(1), quantize.Input(2)]).Output);
        Tensor sample = network.Samples.Read().First().Inputs[0];

        using ModelSession session = ModelSession.Open(network.Model);
        Tensor actual = session.Run([sample])[1];

        float[] expected = new IntegerReference(layer).Convolve(sample, stride, dilation, groups, [.. actual.Dimensions]);
        (float scale, int zero) = (Number(quantize, 1), (int)Number(quantize, 2));
        int apart = 0;
        float[] numbers = actual.ToSingles();
        for (int i = 0; i < numbers.Length; i++)
        {
            float code = Math.Clamp(MathF.Round(expected[i] / scale) + zero, 0, 255);
            float difference = Math.Abs(code - (MathF.Round(numbers[i] / scale) + zero));
            Assert.IsLessThanOrEqualTo(1, difference);
            apart += difference > 0 ? 1 : 0;
        }

        // Numbers half-way between two codes may round either way.
        Assert.IsLessThanOrEqualTo(numbers.Length / 1000, apart);
    }

    private static void AssertEqualsIntegers(SmallNetwork network, TargetProfile target)
    {
        Assert.IsTrue(network.Quantize(target).Changed);
        Tensor sample = network.Samples.Read().First().Inputs[0];
        Node layer = network.Graph.Nodes.Single(node => node.Name == "layer");

        using ModelSession session = ModelSession.Open(network.Model);
        Tensor actual = session.Run([sample])[0];

        float[] expected = new IntegerReference(layer).Multiply(sample);
        Assert.IsLessThan(1e-6, RealModels.RelativeError(Tensor.Create([.. actual.Dimensions], expected), actual));
    }

    private static float Number(Node node, int input) => node.Input(input)!.Initializer!.ToSingles()[0];
}
