namespace ModelBuildTasks.Contracts.Tests;

[TestClass]
public sealed class QuantizationDecisionsTests
{
    [TestMethod]
    public void The_plan_of_a_quantization_survives_writing_and_reading()
    {
        QuantizationDecisions plan = new() { SignalToNoise = double.PositiveInfinity };
        plan.Outputs.Add(new QuantizedOutput { Name = "y[0..3]", SignalToNoise = 31.5 });
        plan.Layers.Add(new QuantizedLayer { Name = "Conv 'a'", IsInteger = true, WeightBits = 7, SignalToNoise = 40.5 });
        plan.Layers.Add(new QuantizedLayer { Name = "Conv 'b'", Reason = "integers would take 3.0 dB" });
        plan.Tensors.Add(new QuantizedTensor { Name = "x", Lowest = -1, Highest = 1.5, Scale = 0.0098, ZeroPoint = 102, Method = "Mse", Error = 0.0028, SignalToNoise = 42 });
        OptimizationResult result = new() { Quantization = plan };

        OptimizationResult read = OptimizationResult.FromJson(result.ToJson());

        Assert.AreEqual(result.ToJson(), read.ToJson());
        Assert.AreEqual(102, read.Quantization!.Tensors[0].ZeroPoint);
        Assert.AreEqual("Mse", read.Quantization.Tensors[0].Method);
        Assert.AreEqual(42, read.Quantization.Tensors[0].SignalToNoise);
        Assert.AreEqual(7, read.Quantization.Layers[0].WeightBits);
        Assert.AreEqual(40.5, read.Quantization.Layers[0].SignalToNoise);
        Assert.AreEqual("integers would take 3.0 dB", read.Quantization.Layers[1].Reason);
    }

    [TestMethod]
    public void A_result_without_a_quantization_has_no_plan() => Assert.IsNull(OptimizationResult.FromJson(new OptimizationResult().ToJson()).Quantization);
}
