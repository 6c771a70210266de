using ModelBuildTasks.Optimization.Quantization.WeightOnly;

namespace ModelBuildTasks.Optimization.Tests.Quantization.WeightOnly;

[TestClass]
public sealed class BinaryScalingTests
{
    [TestMethod]
    public void The_scale_is_the_mean_magnitude()
    {
        Block block = Block.Random(32, seed: 1);

        BlockScale scale = block.Fit(new BinaryScaling(), BlockFormat.Binary(32));

        Assert.AreEqual(block.Lane(2).Average(Math.Abs), scale.Scale[2], 1e-6f);
    }

    [TestMethod]
    public void The_codes_are_those_next_to_the_middle_of_two_bits()
    {
        BlockFormat format = BlockFormat.Binary(32);
        Block block = Block.Random(32, seed: 2);
        BlockScale scale = block.Fit(new BinaryScaling(), format);

        float[] expected = [.. block.Lane(0).Select(weight => weight < 0 ? 1f : 3f)];
        CollectionAssert.AreEqual(expected, block.Codes(scale, format, 0));
        Assert.AreEqual(2f, scale.ZeroPoint[0]);
    }

    [TestMethod]
    public void No_other_scale_of_signs_leaves_less()
    {
        BlockFormat format = BlockFormat.Binary(16);
        Block block = Block.Random(16, seed: 3);
        BlockScale scale = block.Fit(new BinaryScaling(), format);
        double error = block.SquaredError(scale, format, 0);

        Assert.IsLessThan(block.SquaredError(scale with { Scale = scale.Scale * 1.05f }, format, 0), error);
        Assert.IsLessThan(block.SquaredError(scale with { Scale = scale.Scale * 0.95f }, format, 0), error);
    }
}
