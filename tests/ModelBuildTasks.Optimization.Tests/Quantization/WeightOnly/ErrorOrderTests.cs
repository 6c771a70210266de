using ModelBuildTasks.Optimization.Quantization.WeightOnly;

namespace ModelBuildTasks.Optimization.Tests.Quantization.WeightOnly;

/// <summary>How the algorithms rank by the error of a layer's output, on inputs and weights like a transformer's.</summary>
[TestClass]
public sealed class ErrorOrderTests
{
    /// <summary>GPTQ leaves at most this share of what rounding to nearest does.</summary>
    private const double Promise = 0.6;

    [TestMethod]
    [DataRow(4, 32, false)]
    [DataRow(4, 32, true)]
    [DataRow(4, 128, false)]
    [DataRow(2, 32, false)]
    [DataRow(8, 64, true)]
    public void GPTQ_is_best_and_the_other_searches_lie_between_it_and_rounding(int bits, int block, bool symmetric)
    {
        HeavyTailedLayer layer = new(128, 48, 512);
        BlockFormat format = new(bits, block, symmetric);
        double rounding = Error(new RoundToNearest(), []);
        double halfQuadratic = Error(new HalfQuadratic(), []);
        double search = Error(new ScaleSearch(), []);
        double weighted = Error(new ScaleSearch(), layer.Moments.Importance());
        double gptq = layer.OutputError(Gptq.Quantize(layer.Matrix, format, new ScaleSearch(), layer.Moments.Factor()!, default));

        Assert.IsLessThan(Promise * rounding, gptq);
        Assert.IsLessThan(rounding, halfQuadratic);
        Assert.IsLessThan(rounding, search);
        Assert.IsLessThan(search, weighted);
        Assert.IsLessThan(weighted, gptq);

        double Error(IBlockScaling scaling, float[] importance) => layer.OutputError(BlockQuantizer.Quantize(layer.Matrix, format, scaling, importance, default));
    }

    [TestMethod]
    public void GPTQ_halves_the_error_of_signs_too()
    {
        HeavyTailedLayer layer = new(128, 48, 512);
        BlockFormat format = BlockFormat.Binary(32);

        double plain = layer.OutputError(BlockQuantizer.Quantize(layer.Matrix, format, new BinaryScaling(), [], default));
        double gptq = layer.OutputError(Gptq.Quantize(layer.Matrix, format, new BinaryScaling(), layer.Moments.Factor()!, default));

        Assert.IsLessThan(0.5 * plain, gptq);
    }
}
