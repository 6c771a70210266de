using ModelBuildTasks.Optimization.Quantization.WeightOnly;

namespace ModelBuildTasks.Optimization.Tests.Quantization.WeightOnly;

[TestClass]
public sealed class HalfQuadraticTests
{
    [TestMethod]
    [DataRow(2, true)]
    [DataRow(2, false)]
    [DataRow(4, true)]
    [DataRow(4, false)]
    public void The_absolute_error_is_never_above_that_of_rounding_and_mostly_below(int bits, bool symmetric)
    {
        BlockFormat format = new(bits, 64, symmetric);
        int better = 0;
        for (int seed = 0; seed < 20; seed++)
        {
            Block block = Block.Random(64, seed);
            double rounding = block.Errors(block.Fit(new RoundToNearest(), format), format, 0).Sum(Math.Abs);
            double fitted = block.Errors(block.Fit(new HalfQuadratic(), format), format, 0).Sum(Math.Abs);

            Assert.IsLessThanOrEqualTo(rounding * 1.000001, fitted);
            better += fitted < rounding ? 1 : 0;
        }

        Assert.IsGreaterThan(10, better);
    }

    [TestMethod]
    public void Zeros_stay_zeros()
    {
        BlockFormat format = new(4, 32, IsSymmetric: false);
        Block block = new(32, _ => 0);
        BlockScale scale = block.Fit(new HalfQuadratic(), format);

        Assert.AreEqual(0, block.Errors(scale, format, 0).Max(Math.Abs));
    }
}
