using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

[TestClass]
public sealed class NormalizationStatisticsTests
{
    private readonly SmallNetwork network = new();

    [TestMethod]
    public void Shift_and_size_of_the_factor_are_mean_and_deviation_of_a_channel()
    {
        Value normalized = Normalize(network.Convolve(network.Input, "a"), factor: -0.5f, shift: 2);
        ChannelDistribution distribution = NormalizationStatistics.Of(network.Model).Find(normalized)!;
        Assert.AreEqual(2, distribution.Mean[0], 1e-6);
        Assert.AreEqual(0.5, distribution.Deviation[0], 1e-6);
        Assert.AreEqual(2 - 0.5 * ChannelDistribution.Reach, distribution.Range.Lowest, 1e-5);
    }

    [TestMethod]
    public void A_convolution_is_normalized_once_the_normalization_is_folded_into_it()
    {
        Value convolved = network.Convolve(network.Input, "a");
        Value normalized = Normalize(convolved, factor: 1, shift: 2);
        NormalizationStatistics statistics = NormalizationStatistics.Of(network.Model);
        Assert.IsNull(statistics.Find(convolved));

        network.Graph.AddOutput(network.Graph.Add("Relu", normalized));
        normalized.ReplaceWith(convolved);
        network.Graph.RemoveUnused();

        Assert.AreEqual(2, statistics.Find(convolved)!.Mean[0], 1e-6);
    }

    [TestMethod]
    public void A_factor_behind_the_normalization_is_not_taken_for_normalized()
    {
        Value convolved = network.Convolve(network.Input, "a");
        Value normalized = Normalize(convolved, factor: 1, shift: 2);
        network.Graph.AddOutput(network.Graph.Add("Mul", normalized, network.Graph.AddInitializer("seven", Tensor.Scalar(7f))));
        NormalizationStatistics statistics = NormalizationStatistics.Of(network.Model);
        normalized.ReplaceWith(convolved);
        network.Graph.RemoveUnused();
        Assert.IsNull(statistics.Find(convolved));
    }

    [TestMethod]
    public void A_model_without_normalization_has_none()
    {
        network.Classify(network.Convolve(network.Input, "a"));
        Assert.IsTrue(NormalizationStatistics.Of(network.Model).IsEmpty);
    }

    [TestMethod]
    public void Parameters_that_are_not_finite_are_passed_over()
    {
        Normalize(network.Convolve(network.Input, "a"), factor: float.NaN, shift: 2);
        Assert.IsTrue(NormalizationStatistics.Of(network.Model).IsEmpty);
    }

    private Value Normalize(Value value, float factor, float shift)
    {
        Value[] parameters = [.. new[] { factor, shift, 0, 1 }.Select(number => network.Graph.AddInitializer("p", Tensor.Vector([.. Enumerable.Repeat(number, SmallNetwork.Channels)])))];
        return network.Graph.Add("BatchNormalization", [value, .. parameters]);
    }
}
