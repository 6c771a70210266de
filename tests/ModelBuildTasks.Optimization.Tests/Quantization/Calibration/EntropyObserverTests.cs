using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Tests.Quantization.Calibration;

[TestClass]
public sealed class EntropyObserverTests
{
    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Trap_1_leaves_a_lone_extreme_out(bool positive)
    {
        float[] values = Observations.Bell(100_000, positive: positive);
        values[3] = 20;

        ValueRange range = Observations.RangeOf(new EntropyObserver(), values);

        Assert.IsInRange(2.5f, 8f, range.Highest);
        Assert.IsInRange(values.Min(), 0, range.Lowest);
    }

    [TestMethod]
    public void The_zeros_of_a_relu_do_not_narrow_the_range()
    {
        float[] bell = Array.ConvertAll(Observations.Bell(20_000), Math.Abs);

        float alone = Observations.RangeOf(new EntropyObserver(), bell).Highest;
        float withZeros = Observations.RangeOf(new EntropyObserver(), bell, new float[bell.Length]).Highest;

        Assert.IsGreaterThan(2.5f, alone);
        Assert.AreEqual(alone, withZeros, 0.05f * alone);
    }

    [TestMethod]
    public void Keeps_all_of_numbers_that_are_spread_evenly()
    {
        float[] values = Weights.Uniform(new Random(1), [200_000], 0, 3).ToSingles();
        Assert.IsGreaterThan(2.9f, Observations.RangeOf(new EntropyObserver(), values).Highest);
    }
}
