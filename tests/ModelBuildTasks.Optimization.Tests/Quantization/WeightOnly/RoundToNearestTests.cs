using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.WeightOnly;

namespace ModelBuildTasks.Optimization.Tests.Quantization.WeightOnly;

[TestClass]
public sealed class RoundToNearestTests
{
    [TestMethod]
    [DataRow(2, false)]
    [DataRow(4, false)]
    [DataRow(8, false)]
    public void No_weight_is_further_than_one_step_from_its_code(int bits, bool symmetric)
    {
        BlockFormat format = new(bits, 32, symmetric);
        Block block = Block.Random(32, seed: bits);
        BlockScale scale = block.Fit(new RoundToNearest(), format);

        // Half a step of rounding, and half a step by which the zero point was rounded.
        Assert.IsLessThanOrEqualTo(scale.Scale[0], block.Errors(scale, format, 0).Max(Math.Abs));
        Assert.AreEqual((block.Lane(0).Max() - block.Lane(0).Min()) / format.LargestCode, scale.Scale[0], 1e-6f);
    }

    [TestMethod]
    [DataRow(1f)]
    [DataRow(-1f)]
    public void The_largest_weight_is_exact_when_symmetric(float sign)
    {
        BlockFormat format = new(4, 32, IsSymmetric: true);
        Block block = new(32, i => sign * (i % 32 == 5 ? 0.9f : 0.01f * (i % 7)));
        BlockScale scale = block.Fit(new RoundToNearest(), format);

        Assert.AreEqual(0, block.Errors(scale, format, 0)[5], 1e-7);
        Assert.AreEqual(0f, block.Codes(scale, format, 0)[5]);
    }

    [TestMethod]
    [DataRow(0f)]
    [DataRow(0.3f)]
    [DataRow(-0.7f)]
    [DataRow(1e-30f)]
    public void Constant_weights_are_kept_and_zeros_are_exact(float weight)
    {
        foreach (BlockFormat format in new[] { new BlockFormat(4, 32, IsSymmetric: true), new BlockFormat(4, 32, IsSymmetric: false) })
        {
            Block block = new(32, _ => weight);
            BlockScale scale = block.Fit(new RoundToNearest(), format);

            Assert.AreEqual(0, block.Errors(scale, format, 0)[0], 1e-7);
        }
    }

    [TestMethod]
    [DataRow(0f)]
    [DataRow(1e-20f)]
    public void Weights_too_small_for_a_scale_take_the_smallest(float weight)
    {
        foreach (bool symmetric in new[] { true, false })
        {
            Assert.AreEqual(QuantizationParameters.SmallestScale, new Block(32, _ => weight).Fit(new RoundToNearest(), new BlockFormat(8, 32, symmetric)).Scale[0]);
        }
    }
}
