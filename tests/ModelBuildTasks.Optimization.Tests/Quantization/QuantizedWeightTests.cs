using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

[TestClass]
public sealed class QuantizedWeightTests
{
    [TestMethod]
    [DataRow(0, 8)]
    [DataRow(1, 8)]
    [DataRow(0, 7)]
    [DataRow(1, 7)]
    public void Equals_a_plain_loop_over_the_elements_of_each_channel(int axis, int bits)
    {
        long[] shape = [5, 7, 3, 2];
        Tensor weight = Weights.Uniform(new Random(1), shape, -3, 2);

        QuantizedWeight quantized = QuantizedWeight.From(weight, axis, bits);

        (float[] scales, sbyte[] codes) = PlainQuantization(weight.ToSingles(), shape, axis, bits == 8 ? 127 : 64);
        CollectionAssert.AreEqual(scales, quantized.Scales);
        CollectionAssert.AreEqual(codes, quantized.Codes.Span<sbyte>().ToArray());
    }

    [TestMethod]
    public void A_rounded_weight_is_at_most_half_a_step_from_its_own()
    {
        Tensor weight = Weights.Uniform(new Random(2), [8, 64], -0.1f, 0.4f);

        QuantizedWeight quantized = QuantizedWeight.From(weight, axis: 0, bits: 8);

        float[] source = weight.ToSingles();
        sbyte[] codes = quantized.Codes.Span<sbyte>().ToArray();
        for (int i = 0; i < source.Length; i++)
        {
            float scale = quantized.Scales[i / 64];
            Assert.IsLessThanOrEqualTo(0.5001f * scale, Math.Abs(source[i] - codes[i] * scale));
        }
    }

    [TestMethod]
    public void A_floor_under_the_scales_is_kept_where_the_weights_are_smaller()
    {
        Tensor weight = Tensor.Create([2, 2], [1f, -1f, 1e-9f, 1e-9f]);

        QuantizedWeight quantized = QuantizedWeight.From(weight, axis: 0, bits: 8, [1e-4f, 1e-4f]);

        CollectionAssert.AreEqual(new[] { 1f / 127, 1e-4f }, quantized.Scales);
        CollectionAssert.AreEqual(new sbyte[] { 127, -127, 0, 0 }, quantized.Codes.Span<sbyte>().ToArray());
    }

    [TestMethod]
    public void A_large_bias_over_tiny_weights_fits_half_of_32_bits_and_keeps_its_value()
    {
        Tensor bias = Tensor.Vector(1000f, -0.5f);
        const float InputScale = 1e-3f;
        float[] floors = QuantizedBias.SmallestWeightScales(bias, InputScale);
        QuantizedWeight weight = QuantizedWeight.From(Tensor.Create([2, 1], [1e-12f, 1e-12f]), axis: 0, bits: 8, floors);

        QuantizedBias quantized = QuantizedBias.From(bias, InputScale, weight.Scales);

        int[] codes = quantized.Codes.Span<int>().ToArray();
        Assert.IsTrue(codes.All(code => Math.Abs((long)code) <= 1 << 30), string.Join(", ", codes));
        Assert.AreEqual(1000, (double)codes[0] * quantized.Scales[0], 1e-3);
        Assert.AreEqual(-0.5, (double)codes[1] * quantized.Scales[1], 1e-6);
    }

    private static (float[] Scales, sbyte[] Codes) PlainQuantization(float[] weight, long[] shape, int axis, int largestCode)
    {
        int inner = (int)shape.Skip(axis + 1).Aggregate(1L, (product, size) => product * size);
        int ChannelOf(int i) => i / inner % (int)shape[axis];
        float[] scales = new float[shape[axis]];
        for (int i = 0; i < weight.Length; i++)
        {
            scales[ChannelOf(i)] = Math.Max(scales[ChannelOf(i)], Math.Abs(weight[i]) / largestCode);
        }

        sbyte[] codes = new sbyte[weight.Length];
        for (int i = 0; i < weight.Length; i++)
        {
            codes[i] = (sbyte)Math.Clamp(MathF.Round(weight[i] / scales[ChannelOf(i)]), -largestCode, largestCode);
        }

        return (scales, codes);
    }
}
