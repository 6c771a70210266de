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
    public void Saves_a_filter_that_cancels_a_nearly_constant_input()
    {
        SmallNetwork network = new();
        Graph graph = network.Graph;
        // x lies in 10 ± 0.05 and the filters have a mean of zero, so that what they see is the small part.
        Value offset = graph.AddInitializer("ten", Tensor.Scalar(10f));
        Value small = graph.AddInitializer("small", Tensor.Scalar(0.05f));
        Value nearlyConstant = graph.Add("Add", graph.Add("Mul", network.Input, small), offset);
        Node depthwise = graph.AddNode("Conv", [nearlyConstant, network.Weight("depthwise.w", 32, 1, 3, 3)], name: "depthwise").Set("group", 32L);
        network.Classify(network.Convolve(depthwise.Output, "b"));

        Assert.IsLessThan(0.06, network.QuantizationError(TargetProfiles.CpuX64));
    }
}
