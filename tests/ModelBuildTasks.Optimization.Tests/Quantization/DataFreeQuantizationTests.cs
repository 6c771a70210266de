using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

[TestClass]
public sealed class DataFreeQuantizationTests
{
    private readonly SmallNetwork network = new();

    [TestMethod]
    public void Says_where_the_ranges_are_from_and_leaves_what_reads_the_input_in_float()
    {
        PassOutcome outcome = QuantizeNormalized();
        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        StringAssert.StartsWith(outcome.Explanation, "No data: ranges from BatchNormalization statistics.");
        Assert.IsTrue(outcome.Refusals.Any(reason => reason.StartsWith("Conv 'a' stays in float: without data, nothing is known of its input", StringComparison.Ordinal)), string.Join("\n", outcome.Refusals));
        Assert.HasCount(1, network.Graph.Nodes.Where(node => node is { OpType: "Conv", Name: "b" } && node.Inputs[0]!.Producer!.OpType == "DequantizeLinear"));
    }

    [TestMethod]
    public void Covers_the_mean_and_six_deviations_of_what_a_relu_leaves()
    {
        QuantizeNormalized();
        Node dequantize = network.Graph.Nodes.Single(node => node is { OpType: "Conv", Name: "b" }).Inputs[0]!.Producer!;
        Assert.AreEqual((2 + 6 * 1) / 255.0, dequantize.Inputs[1]!.Constant!.Span<float>()[0], 1e-5);
        Assert.AreEqual(0, dequantize.Inputs[2]!.Constant!.Span<byte>()[0]);
    }

    [TestMethod]
    public void Takes_out_of_biases_what_rounded_weights_add_to_the_mean()
    {
        // One weight of 1 makes the step 1/127; the others round to zero and are missed on average.
        const float Small = 0.4f / 127;
        float[] weights = [.. Enumerable.Repeat(Small, SmallNetwork.Channels * SmallNetwork.Channels * 9)];
        for (int output = 0; output < SmallNetwork.Channels; output++)
        {
            weights[output * SmallNetwork.Channels * 9] = 1;
        }

        QuantizeNormalized(weights);

        Node convolution = network.Graph.Nodes.Single(node => node is { OpType: "Conv", Name: "b" });
        Node bias = convolution.Inputs[2]!.Producer!;
        double stored = bias.Inputs[0]!.Constant!.Span<int>()[0] * (double)bias.Inputs[1]!.Constant!.Span<float>()[0];
        // The mean of a normal number of mean 2 and deviation 1 with its negative part cut off: 2Φ(2) + φ(2).
        const double MeanOfInput = 2 * 0.97725 + 0.05399;
        double missed = (SmallNetwork.Channels * 9 - 1) * Small * MeanOfInput;
        Assert.AreEqual(3 + missed, stored, 0.01 * missed);
    }

    [TestMethod]
    public void Refuses_a_model_without_normalization()
    {
        network.Classify(network.Convolve(network.Input, "a"));
        byte[] before = network.Model.ToBytes();
        PassOutcome outcome = Quantize(network.Model, NormalizationStatistics.Of(network.Model));
        Assert.IsFalse(outcome.Changed);
        StringAssert.Contains(outcome.Explanation, "no BatchNormalization");
        CollectionAssert.AreEqual(before, network.Model.ToBytes());
    }

    [TestMethod]
    [DoNotParallelize]
    [DataRow("mobilenet_v1_0.25_224.onnx", 0.85)]
    [DataRow("aka_resnet20_cifar10.onnx", 0.95)]
    public void Quantizes_a_real_model_that_still_answers_alike(string name, double leastAgreement)
    {
        QuantizationCase model = new(name);
        PassOutcome outcome = Quantize(model.Quantized, NormalizationStatistics.Of(model.Source));
        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Agreement agreement = model.Compare();
        Console.WriteLine($"{name}: {outcome.Explanation}\n  {agreement}");
        Assert.IsGreaterThanOrEqualTo(leastAgreement, agreement.Top1);
    }

    /// <summary>Two normalized convolutions of mean 2 and deviation 1; the second one's bias becomes 3 in folding.</summary>
    [TestMethod]
    public void Gives_the_same_bytes_each_time()
    {
        DataFreeQuantizationTests other = new();

        Assert.IsTrue(QuantizeNormalized().Changed);
        other.QuantizeNormalized();

        CollectionAssert.AreEqual(network.Model.ToBytes(), other.network.Model.ToBytes());
    }

    private PassOutcome QuantizeNormalized(float[]? weights = null)
    {
        Value first = network.Graph.Add("Relu", Normalize(network.Convolve(network.Input, "a"), shift: 2));
        Value second = network.Convolve(first, "b");
        if (weights is not null)
        {
            second.Producer!.Inputs[1]!.Initializer = Tensor.Create([SmallNetwork.Channels, SmallNetwork.Channels, 3, 3], weights);
            second.Producer!.Inputs[2]!.Initializer = Tensor.Vector([.. Enumerable.Repeat(1f, SmallNetwork.Channels)]);
        }

        network.Classify(network.Graph.Add("Relu", Normalize(second, shift: 2)));
        NormalizationStatistics statistics = NormalizationStatistics.Of(network.Model);
        new GraphSimplification().Apply(network.Model, new PassContext(TargetProfiles.CpuX64));
        return Quantize(network.Model, statistics);
    }

    private Value Normalize(Value value, float shift)
    {
        Value[] parameters = [.. new[] { 1, shift, 0, 1 - 1e-5f }.Select(number => network.Graph.AddInitializer("p", Tensor.Vector([.. Enumerable.Repeat(number, SmallNetwork.Channels)])))];
        return network.Graph.Add("BatchNormalization", [value, .. parameters]);
    }

    private static PassOutcome Quantize(Model model, NormalizationStatistics statistics) => new DataFreeQuantization(statistics).Apply(model, new PassContext(TargetProfiles.CpuX64));
}
