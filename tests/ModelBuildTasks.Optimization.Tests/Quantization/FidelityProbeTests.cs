using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.MixedPrecision;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

[TestClass]
public sealed class FidelityProbeTests
{
    [TestMethod]
    public void An_output_that_is_empty_in_the_first_sample_is_compared_in_the_others()
    {
        // 16 of the 32 are drawn and keep their order: the first of them is empty, whichever they are.
        FidelityProbe probe = Probe(Relu(), [.. Enumerable.Repeat(0L, 24), .. Enumerable.Repeat(3L, 8)])!;

        Assert.AreEqual(0, probe.Measure(Relu()).Ratio);
    }

    [TestMethod]
    public void An_output_that_is_empty_in_all_samples_is_nothing_to_compare() => Assert.IsNull(Probe(Relu(), 0, 0, 0, 0));

    private static FidelityProbe? Probe(Model model, params long[] lengths)
    {
        Random random = new(1);
        return FidelityProbe.Create(model, new ListedSamples([.. lengths.Select(length => Weights.Uniform(random, [1, length, 4]))]), _ => []);
    }

    private static Model Relu()
    {
        Model model = Model.Create("test", 13, 7);
        Value input = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, "length", 4));
        Value output = model.Graph.Add("Relu", input);
        output.Name = "y";
        output.Type = input.Type;
        model.Graph.AddOutput(output);
        return model;
    }
}
