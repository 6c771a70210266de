using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

[TestClass]
public sealed class QuantizationParametersTests
{
    [TestMethod]
    [DataRow(-1f, 3f, 4f / 255, 64)]
    [DataRow(0f, 6f, 6f / 255, 0)]
    [DataRow(2f, 6f, 6f / 255, 0)]
    [DataRow(-6f, -2f, 6f / 255, 255)]
    public void Covers_the_range_and_zero_with_256_codes(float lowest, float highest, float scale, int zeroPoint)
    {
        QuantizationParameters parameters = QuantizationParameters.ForActivations(new ValueRange(lowest, highest), TargetProfiles.CpuX64);
        Assert.AreEqual(new QuantizationParameters(scale, zeroPoint, ElementType.UInt8), parameters);
    }

    [TestMethod]
    public void Is_symmetric_where_the_target_wants_it()
    {
        QuantizationParameters parameters = QuantizationParameters.ForActivations(new ValueRange(-1, 2), TargetProfiles.TensorRt);
        Assert.AreEqual(new QuantizationParameters(2f / 127, 0, ElementType.Int8), parameters);
    }

    [TestMethod]
    public void Does_the_work_of_a_clamp_only_when_no_code_lies_beyond_it()
    {
        QuantizationParameters zeroToSix = QuantizationParameters.ForActivations(new ValueRange(0, 6), TargetProfiles.CpuX64);
        Assert.IsTrue(zeroToSix.Clamps(6));
        Assert.IsTrue(zeroToSix.Clamps(float.PositiveInfinity));
        Assert.IsFalse(zeroToSix.Clamps(5));
        Assert.IsFalse(QuantizationParameters.ForActivations(new ValueRange(-1, 6), TargetProfiles.CpuX64).Clamps(6));
    }

    [TestMethod]
    public void Rounds_weights_to_the_nearest_code_of_their_channel()
    {
        Tensor weight = Tensor.Create([2, 3], [1f, -0.5f, 0.25f, 0f, 0f, 0f]);
        QuantizedWeight quantized = QuantizedWeight.From(weight, axis: 0, bits: 8);
        CollectionAssert.AreEqual(new sbyte[] { 127, -64, 32, 0, 0, 0 }, quantized.Codes.Span<sbyte>().ToArray());
        Assert.AreEqual(1f / 127, quantized.Scales[0]);
        Assert.IsGreaterThan(0, quantized.Scales[1]);
    }

    [TestMethod]
    public void Finds_the_channels_of_weights_along_any_axis()
    {
        Tensor weight = Tensor.Create([2, 2], [1f, 10f, -2f, 5f]);
        QuantizedWeight quantized = QuantizedWeight.From(weight, axis: 1, bits: 7);
        CollectionAssert.AreEqual(new[] { 2f / 64, 10f / 64 }, quantized.Scales);
        CollectionAssert.AreEqual(new sbyte[] { 32, 64, -64, 32 }, quantized.Codes.Span<sbyte>().ToArray());
    }
}
