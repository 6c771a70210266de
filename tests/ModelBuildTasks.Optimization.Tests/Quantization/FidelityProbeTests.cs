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

    [TestMethod]
    [DataRow(ElementType.Float16)]
    [DataRow(ElementType.BFloat16)]
    public void Outputs_of_16_bit_floating_point_are_compared_as_numbers(ElementType type)
    {
        Model narrow = Relu();
        Value result = narrow.Graph.Outputs[0];
        narrow.Graph.RemoveOutput(result);
        narrow.Graph.AddOutput(Cast(result, type));

        FidelityProbe probe = Probe(narrow, 3, 3, 3, 3)!;

        Assert.AreEqual(0, probe.Measure(narrow.Clone()).Ratio);
        Assert.IsGreaterThan(0, probe.Measure(Halved(narrow)).Ratio);
    }

    [TestMethod]
    public void Scores_are_found_behind_a_cast_of_their_probabilities()
    {
        Model model = Scores();
        Model narrow = Scores();
        Value probabilities = narrow.Graph.Outputs[0];
        narrow.Graph.RemoveOutput(probabilities);
        narrow.Graph.AddOutput(Cast(probabilities, ElementType.Float16));

        OutputNoise noise = Probe(model, 8, 8)!.Measure(Halved(model));

        Assert.AreEqual(noise.Ratio, Probe(narrow, 8, 8)!.Measure(Halved(narrow)).Ratio);
        CollectionAssert.AreEqual(noise.Parts.ToArray(), Probe(narrow, 8, 8)!.Measure(Halved(narrow)).Parts.ToArray());
    }

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

    /// <summary>[1, length, 4] → Relu, Softmax over the second axis of its sum over the last → y: [1, length].</summary>
    private static Model Scores()
    {
        Model model = Relu();
        Value scores = model.Graph.Outputs[0];
        model.Graph.RemoveOutput(scores);
        Value sums = model.Graph.AddNode("ReduceMean", [scores]).Set("axes", [2L]).Set("keepdims", 0L).Output;
        Value probabilities = model.Graph.AddNode("Softmax", [sums]).Set("axis", 1L).Output;
        probabilities.Type = new TensorType(ElementType.Float, 1, 8);
        model.Graph.AddOutput(probabilities);
        return model;
    }

    /// <summary>The same with half of what Relu gives.</summary>
    private static Model Halved(Model model)
    {
        Model halved = model.Clone();
        Value result = halved.Graph.Nodes.First(node => node.OpType == "Relu").Output;
        Use[] readers = [.. result.Uses];
        Value half = halved.Graph.Add("Mul", result, halved.Graph.AddInitializer("half", Tensor.Scalar(0.5f)));
        Array.ForEach(readers, reader => reader.Node.SetInput(reader.Index, half));
        return halved;
    }

    private static Value Cast(Value value, ElementType type)
    {
        Value cast = value.Graph.AddNode("Cast", [value]).Set("to", (long)type).Output;
        cast.Type = value.Type! with { ElementType = type };
        return cast;
    }
}
