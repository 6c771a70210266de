using ModelBuildTasks.Optimization.Quantization.WeightOnly;

namespace ModelBuildTasks.Optimization.Tests.Quantization.WeightOnly;

[TestClass]
public sealed class ScaleSearchTests
{
    [TestMethod]
    [DataRow(2, true)]
    [DataRow(2, false)]
    [DataRow(4, true)]
    [DataRow(4, false)]
    [DataRow(8, false)]
    public void Is_never_worse_than_rounding_in_the_whole_range(int bits, bool symmetric)
    {
        BlockFormat format = new(bits, 32, symmetric);
        for (int seed = 0; seed < 20; seed++)
        {
            Block block = Block.Random(32, seed);
            double rounding = block.SquaredError(block.Fit(new RoundToNearest(), format), format, 0);

            Assert.IsLessThanOrEqualTo(rounding, block.SquaredError(block.Fit(new ScaleSearch(), format), format, 0));
        }
    }

    [TestMethod]
    public void Comes_near_the_best_scale_that_trying_thousands_finds()
    {
        BlockFormat format = new(4, 32, IsSymmetric: true);
        Block block = Block.Random(32, seed: 3);
        double found = block.SquaredError(block.Fit(new ScaleSearch(), format), format, 0);
        double rounding = block.SquaredError(block.Fit(new RoundToNearest(), format), format, 0);

        float largest = block.Lane(0).Max(Math.Abs);
        double best = Enumerable.Range(0, 8000).Min(i => block.SquaredError(new BlockScale(new((i - 4000) / 4000f * largest / 4 + 1e-6f), new(format.MiddleCode)), format, 0));

        Assert.IsLessThan(rounding, best);
        Assert.IsLessThan(best + 0.3 * (rounding - best), found);
    }

    [TestMethod]
    public void The_scale_of_given_codes_is_their_least_squares_fit()
    {
        BlockFormat format = new(4, 32, IsSymmetric: false);
        Block block = Block.Random(32, seed: 5);
        block.Importance[3] = 20;
        BlockScale start = block.Fit(new RoundToNearest(), format);

        BlockScale fitted = block.Fit(new LeastSquaresOf(start), format);

        double[] steps = [.. block.Codes(start, format, 0).Select(code => (double)code - start.ZeroPoint[0])];
        double products = steps.Select((step, i) => block.Importance[i] * step * block.Lane(0)[i]).Sum();
        double squares = steps.Select((step, i) => block.Importance[i] * step * step).Sum();
        Assert.AreEqual(products / squares, fitted.Scale[0], 1e-6);
    }

    [TestMethod]
    public void An_important_input_is_fitted_better()
    {
        BlockFormat format = new(2, 32, IsSymmetric: false);
        Block block = Block.Random(32, seed: 6);
        int input = Array.IndexOf(block.Lane(0), block.Lane(0).Max());
        double before = Math.Abs(block.Errors(block.Fit(new ScaleSearch(), format), format, 0)[input]);
        block.Importance[input] = 1000;

        Assert.IsLessThan(0.5 * before, Math.Abs(block.Errors(block.Fit(new ScaleSearch(), format), format, 0)[input]));
    }

    private sealed class LeastSquaresOf(BlockScale start) : IBlockScaling
    {
        public string Name => "least squares";

        public BlockScale Fit(ReadOnlySpan<System.Numerics.Vector<float>> weights, ReadOnlySpan<float> importance, BlockFormat format) =>
            ScaleSearch.LeastSquares(start, weights, importance, format);
    }
}
