namespace ModelBuildTasks.Contracts.Tests;

[TestClass]
public sealed class QuantizationDecisionsTests
{
    [TestMethod]
    public void The_plan_of_a_quantization_survives_writing_and_reading()
    {
        QuantizationDecisions plan = new() { SignalToNoise = double.PositiveInfinity };
        plan.Outputs.Add(new QuantizedOutput { Name = "y[0..3]", SignalToNoise = 31.5 });
        plan.Layers.Add(new QuantizedLayer { Name = "Conv 'a'", IsInteger = true, WeightBits = 7, SignalToNoise = 40.5, Sensitivity = 0.25, Weights = new NumberDistribution { Lowest = -0.5, Width = 0.25, Counts = [3, 0, 12], NarrowestChannel = 0.1, WidestChannel = 0.5 } });
        plan.Layers.Add(new QuantizedLayer { Name = "Conv 'b'", Reason = "integers would take 3.0 dB" });
        plan.Tensors.Add(new QuantizedTensor { Name = "x", Lowest = -1, Highest = 1.5, Scale = 0.0098, ZeroPoint = 102, Method = "Mse", Error = 0.0028, SignalToNoise = 42, Distribution = new NumberDistribution { Lowest = -2, Width = 1, Counts = [1, 5_000_000_000, 2] } });
        OptimizationResult result = new() { Quantization = plan };

        OptimizationResult read = OptimizationResult.FromJson(result.ToJson());

        Assert.AreEqual(result.ToJson(), read.ToJson());
        Assert.AreEqual(102, read.Quantization!.Tensors[0].ZeroPoint);
        Assert.AreEqual("Mse", read.Quantization.Tensors[0].Method);
        Assert.AreEqual(42, read.Quantization.Tensors[0].SignalToNoise);
        Assert.AreEqual(7, read.Quantization.Layers[0].WeightBits);
        Assert.AreEqual(40.5, read.Quantization.Layers[0].SignalToNoise);
        Assert.AreEqual(0.25, read.Quantization.Layers[0].Sensitivity);
        Assert.AreEqual(0.1, read.Quantization.Layers[0].Weights!.NarrowestChannel);
        CollectionAssert.AreEqual(new[] { 1, 5_000_000_000, 2 }, read.Quantization.Tensors[0].Distribution!.Counts.ToArray());
        Assert.IsNull(read.Quantization.Layers[1].Weights);
        Assert.AreEqual("integers would take 3.0 dB", read.Quantization.Layers[1].Reason);
    }

    [TestMethod]
    [DataRow("1 two 3")]
    [DataRow("1 -2 3")]
    [DataRow("99999999999999999999")]
    public void Counts_that_are_none_are_refused(string counts)
    {
        QuantizationDecisions plan = new();
        plan.Tensors.Add(new QuantizedTensor { Distribution = new NumberDistribution { Counts = [7, 7, 7] } });
        string json = new OptimizationResult { Quantization = plan }.ToJson().Replace("7 7 7", counts, StringComparison.Ordinal);

        Assert.ThrowsExactly<InvalidDataException>(() => OptimizationResult.FromJson(json));
    }

    [TestMethod]
    public void A_result_without_a_quantization_has_no_plan() => Assert.IsNull(OptimizationResult.FromJson(new OptimizationResult().ToJson()).Quantization);
}
