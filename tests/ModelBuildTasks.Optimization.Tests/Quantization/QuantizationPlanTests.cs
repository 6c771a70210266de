using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

[TestClass]
public sealed class QuantizationPlanTests
{
    [TestMethod]
    public void A_later_pass_has_the_last_word_on_its_layers()
    {
        PlannedTensor tensor = new("x", 0, 1, 1f / 255, 0, "MinMax", Noise: null);
        QuantizationPlan first = new(40, [new PlannedOutput("y", 40)], [Float("conv"), Float("rnn"), Float("rnn")], [tensor]) { FloatNodes = ["conv_out"] };
        QuantizationPlan second = new(null, [], [new("rnn", IsInteger: true, Reason: null), Float("rnn"), Float("other")], []);

        QuantizationPlan both = first.CompletedBy(second);

        CollectionAssert.AreEqual((string[])["conv", "rnn", "rnn", "other"], both.Layers.Select(layer => layer.Name).ToArray());
        CollectionAssert.AreEqual((bool[])[false, true, false, false], both.Layers.Select(layer => layer.IsInteger).ToArray());
        Assert.IsNull(both.SignalToNoise);
        Assert.AreSame(tensor, both.Tensors.Single());
        CollectionAssert.AreEqual((string[])["conv_out"], both.FloatNodes!.ToArray());
    }

    [TestMethod]
    public void The_most_frequent_reasons_for_float_are_named_and_the_others_counted()
    {
        PlannedLayer[] layers = [.. new[] { "a", "b", "b", "c", "d", "e" }.Select(reason => new PlannedLayer("layer", IsInteger: false, reason)), new("layer", IsInteger: true, Reason: null)];

        Assert.AreEqual("b (2); a (1); c (1); and 2 more reasons", new QuantizationPlan(null, [], layers, []).ReasonsForFloat);
    }

    [TestMethod]
    public void Dynamic_quantization_tells_of_each_layer()
    {
        Model model = Model.Create("products", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 512));
        Value large = model.Graph.AddNode("MatMul", [x, model.Graph.AddInitializer("w", Weights.Uniform(new Random(1), [512, 512]))], name: "large").Output;
        model.Graph.AddOutput(model.Graph.AddNode("MatMul", [large, model.Graph.AddInitializer("v", Weights.Uniform(new Random(2), [512, 2]))], name: "small").Output);

        QuantizationPlan plan = new DynamicQuantization().Apply(model, new PassContext(TargetProfiles.Cpu)).Plan!;

        Assert.IsTrue(plan.Layers.Single(layer => layer.Name == "MatMul 'large'") is { IsInteger: true, WeightBits: 7, Reason: null });
        Assert.IsTrue(plan.Layers.Single(layer => layer.Name == "MatMul 'small'") is { IsInteger: false, Reason.Length: > 0 });
    }

    [TestMethod]
    [DataRow(1, "")]
    [DataRow(2, "a")]
    [DataRow(3, "a")]
    [DataRow(4, "a b")]
    public void Half_of_the_regions_return_to_float_those_that_gain_least_first(int regions, string expected)
    {
        PlannedRegion[] all = [new(["d"], 40), new(["a"], 10), new(["c"], 30), new(["b"], 20)];
        QuantizationPlan plan = new(null, [], [], []) { Regions = [.. all.OrderBy(region => region.Gain).Take(regions).Reverse()] };

        Assert.AreEqual(expected, string.Join(' ', plan.LeastGaining()));
    }

    [TestMethod]
    public void Layers_that_were_measured_slower_stay_in_float_with_the_reason()
    {
        SmallNetwork network = TwoRegions();
        QuantizationPlan first = network.Quantize().Plan!;
        Assert.HasCount(2, first.Regions);
        Assert.IsTrue(first.Regions.All(region => region.Gain > 0));
        HashSet<string> slower = [.. first.LeastGaining()];
        SmallNetwork again = TwoRegions();

        QuantizationPlan second = new StaticQuantization().Apply(again.Model, new PassContext(TargetProfiles.CpuX64, again.Samples) { SlowerInIntegers = slower }).Plan!;

        Assert.IsNotEmpty(slower);
        Assert.HasCount(1, second.Regions);
        Assert.IsTrue(second.Layers.Where(layer => slower.Contains(layer.Name)).All(layer => layer is { IsInteger: false, Reason: not null } && layer.Reason.Contains("measured slower", StringComparison.Ordinal)));
        Assert.IsTrue(second.Layers.Where(layer => !slower.Contains(layer.Name)).All(layer => layer.IsInteger));
    }

    [TestMethod]
    public void A_plan_tells_what_calibration_saw_and_what_the_weights_are()
    {
        SmallNetwork network = TwoRegions();
        float[] weights = [.. network.Graph.Nodes.Single(node => node.Name == "a").Input(1)!.Initializer!.Span<float>()];

        QuantizationPlan plan = network.Quantize().Plan!;

        WeightDistribution found = plan.Layers.Single(layer => layer.Name == "Conv 'a'").Weights!;
        Assert.AreEqual(weights.Length, found.Numbers.Counts.Sum());
        Assert.AreEqual(weights.Max(MathF.Abs), found.WidestChannel, 1e-6);
        Assert.IsTrue(found.NarrowestChannel > 0 && found.NarrowestChannel <= found.WidestChannel);
        PlannedTensor[] counted = [.. plan.Tensors.Where(tensor => tensor.Distribution is not null)];
        Assert.IsNotEmpty(counted);
        Assert.IsTrue(counted.All(tensor => tensor.Distribution!.Counts.Count <= 48 && tensor.Distribution.Lowest <= tensor.Highest));
    }

    [TestMethod]
    public void Ranges_that_are_found_without_counting_have_no_distribution()
    {
        SmallNetwork network = TwoRegions();

        QuantizationPlan plan = new StaticQuantization(RangeMethod.MinMax).Apply(network.Model, new PassContext(TargetProfiles.CpuX64, network.Samples)).Plan!;

        Assert.IsTrue(plan.Tensors.All(tensor => tensor.Distribution is null));
    }

    /// <summary>Two convolutions, an operator that has no integers, and two more.</summary>
    private static SmallNetwork TwoRegions()
    {
        SmallNetwork network = new();
        Value value = network.Convolve(network.Graph.Add("Relu", network.Convolve(network.Input, "a")), "b");
        value = network.Graph.Add("Tanh", value);
        network.Classify(network.Convolve(network.Graph.Add("Relu", network.Convolve(value, "c")), "d"));
        return network;
    }

    private static PlannedLayer Float(string name) => new(name, IsInteger: false, "it would be slower");
}
