using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Tests.Quantization.Calibration;

[TestClass]
public sealed class PercentileObserverTests
{
    [TestMethod]
    [DataRow(0.01)]
    [DataRow(1e-3)]
    public void Cuts_off_the_share_at_either_end(double share)
    {
        float[] values = Observations.Bell(100_000);

        ValueRange range = Observations.RangeOf(new PercentileObserver(share), values);

        float[] sorted = [.. values.Order()];
        float bin = sorted.Max(Math.Abs) / Histogram.BinsOfSide * 2;
        Assert.AreEqual(sorted[(int)(share * values.Length)], range.Lowest, bin);
        Assert.AreEqual(sorted[^(int)(share * values.Length)], range.Highest, bin);
    }

    [TestMethod]
    public void Keeps_every_number_of_a_small_tensor()
    {
        ValueRange range = Observations.RangeOf(new PercentileObserver(), [-2f, 0.5f, 8f]);
        Assert.AreEqual(new ValueRange(-2, 8), range);
    }
}
