using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

[TestClass]
public sealed class BiasCorrectionTests
{
    [TestMethod]
    [DataRow(1, 4)]
    [DataRow(2, 2)]
    [DataRow(4, 1)]
    public void Makes_a_constant_input_give_the_exact_result(int groups, int inputsPerGroup)
    {
        Random random = new(2);
        Model model = Model.Create("conv", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 4, 5, 5));
        Tensor weight = Weights.Uniform(random, [8, inputsPerGroup, 3, 3]);
        Tensor bias = Weights.Uniform(random, [8]);
        Node node = model.Graph.AddNode("Conv", [x, model.Graph.AddInitializer("w", weight), model.Graph.AddInitializer("b", bias)]).Set("group", groups);
        Layer layer = Layer.From(node, out _)!;
        QuantizedWeight quantized = QuantizedWeight.From(weight, axis: 0, bits: 7);
        double[] means = [0.5, -1, 2, 3];

        float[] corrected = BiasCorrection.Apply(layer, quantized, means).ToSingles();

        int filter = inputsPerGroup * 9;
        float[] exact = Constant(weight.ToSingles(), bias.ToSingles());
        float[] rounded = Constant([.. quantized.Codes.ToSingles().Select((code, i) => code * quantized.Scales[i / filter])], corrected);
        for (int o = 0; o < 8; o++)
        {
            Assert.AreEqual(exact[o], rounded[o], 1e-5f);
        }

        float[] Constant(float[] w, float[] b) =>
            [.. b.Select((offset, o) => offset + Enumerable.Range(0, filter).Sum(i => w[o * filter + i] * (float)means[o / (8 / groups) * inputsPerGroup + i / 9]))];
    }

    [TestMethod]
    public void Stores_a_bias_that_gives_back_what_rounding_took_at_the_calibrated_mean()
    {
        SmallNetwork network = new();
        network.Classify(network.Convolve(network.Convolve(network.Input, "a"), "b"));
        float[] exact = network.Graph.Find("a.w")!.Initializer!.ToSingles();
        float[] bias = network.Graph.Find("a.b")!.Initializer!.ToSingles();
        float[] ones = Enumerable.Repeat(1f, 32 * 16 * 16).ToArray();

        PassOutcome outcome = new StaticQuantization().Apply(
            network.Model, new PassContext(TargetProfiles.Cpu, new ListedSamples(Tensor.Create(SmallNetwork.InputShape, ones))));

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Node convolution = network.Graph.Nodes.Single(node => node.Name == "a");
        float[] rounded = Dequantize(convolution.Inputs[1]!.Producer!);
        float[] stored = Dequantize(convolution.Inputs[2]!.Producer!);
        const int Filter = 32 * 9;
        double worstUncorrected = 0;
        for (int o = 0; o < bias.Length; o++)
        {
            double shift = Enumerable.Range(o * Filter, Filter).Sum(i => (double)rounded[i] - exact[i]);
            Assert.AreEqual(bias[o] - shift, stored[o], 1e-4);
            worstUncorrected = Math.Max(worstUncorrected, Math.Abs(shift));
        }

        Assert.IsGreaterThan(1e-3, worstUncorrected);
    }

    private static float[] Dequantize(Node node)
    {
        float[] codes = node.Inputs[0]!.Initializer!.ToSingles();
        float[] scales = node.Inputs[1]!.Initializer!.ToSingles();
        return [.. codes.Select((code, i) => code * scales[i / (codes.Length / scales.Length)])];
    }
}
