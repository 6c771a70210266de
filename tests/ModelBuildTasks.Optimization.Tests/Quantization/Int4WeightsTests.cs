using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

[TestClass]
public sealed class Int4WeightsTests
{
    [TestMethod]
    [DataRow("cpu-x64")]
    [DataRow("cpu")]
    public void Weights_have_codes_of_four_bits_in_the_same_integer_kernels(string target)
    {
        SmallNetwork network = SmallNetwork.Chain(3, out _);
        PassOutcome outcome = Quantize(network, target, staysInIntegers: true);

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        foreach (Value weight in network.Graph.Initializers.Where(value => value.Initializer is { ElementType: ElementType.Int8, Dimensions.Count: > 1 }))
        {
            Assert.IsLessThanOrEqualTo(7, weight.Initializer!.Span<sbyte>().ToArray().Max(code => Math.Abs((int)code)));
        }

        Dictionary<string, int> operators = OptimizedGraph.Operators(network.Model);
        Assert.AreEqual(3, operators["QLinearConv"]);
        Assert.AreEqual(1, operators["QGemm"]);
    }

    [TestMethod]
    public void The_plan_tells_the_bits()
    {
        PassOutcome outcome = Quantize(SmallNetwork.Chain(2, out _), "cpu-x64", staysInIntegers: true);
        Assert.IsTrue(outcome.Plan!.Layers.All(layer => layer.WeightBits == 4));
        StringAssert.Contains(new StaticQuantization { WeightBits = 4 }.Name, "int4", StringComparison.Ordinal);
    }

    /// <summary>A filter of nine weights is a hundredth of the bytes and most of the noise.</summary>
    [TestMethod]
    public void Depthwise_filters_keep_eight()
    {
        SmallNetwork network = new();
        Node depthwise = network.Graph.AddNode("Conv", [network.Input, network.Weight("d", SmallNetwork.Channels, 1, 3, 3)]).Set("group", SmallNetwork.Channels);
        Node dense = network.Convolve(network.Input, "conv").Producer!;
        TargetProfile target = TargetProfiles.CpuX64 with { WeightBits = 4 };
        Assert.AreEqual(8, IntegerInsertion.WeightBits(Layer.From(depthwise, out _)!, target));
        Assert.AreEqual(4, IntegerInsertion.WeightBits(Layer.From(dense, out _)!, target));
    }

    private static PassOutcome Quantize(SmallNetwork network, string target, bool staysInIntegers) =>
        new StaticQuantization { WeightBits = 4, StaysInIntegers = staysInIntegers }.Apply(network.Model, new PassContext(TargetProfiles.All.Single(profile => profile.Name == target), network.Samples));
}
