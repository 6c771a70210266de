using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization.Calibration;

[TestClass]
public sealed class MeanSquaredErrorObserverTests
{
    [TestMethod]
    [DataRow("cpu", false)]
    [DataRow("cpu", true)]
    [DataRow("tensorrt", false)]
    [DataRow("tensorrt", true)]
    public void Loses_as_little_as_the_best_of_all_ranges(string name, bool positive)
    {
        TargetProfile target = TargetProfiles.Find(name)!;
        float[] values = Observations.Bell(50_000, positive: positive);
        values[7] = 9;

        ValueRange found = Observations.RangeOf(new MeanSquaredErrorObserver(target.SymmetricActivations), values);

        double least = double.PositiveInfinity;
        for (int high = 40; high <= 100; high++)
        {
            for (int low = 10; low <= (positive ? 10 : 60); low++)
            {
                ValueRange tried = target.SymmetricActivations ? new(-9 * high / 100f, 9 * high / 100f) : new(positive ? 0 : -9 * low / 100f, 9 * high / 100f);
                least = Math.Min(least, Observations.SquaredError(values, tried, target));
            }
        }

        Assert.IsLessThan(least * 1.02, Observations.SquaredError(values, found, target));
    }

    [TestMethod]
    public void Trap_1_a_range_search_has_enough_bins_to_leave_the_extremes()
    {
        float[] values = Observations.Bell(100_000, positive: true);
        values[3] = 12;

        ValueRange range = Observations.RangeOf(new MeanSquaredErrorObserver(symmetric: false), values);

        // At the best end t, 2·(12 − t) gained by the extreme is t/(6·255²) for each of the 50,000 numbers that are not zero.
        Assert.AreEqual(12 / (1 + 50_000 / (12.0 * 255 * 255)), range.Highest, 0.15);
        Assert.AreEqual(0, range.Lowest);
    }

    [TestMethod]
    public void Keeps_more_of_the_extremes_where_cutting_off_counts_more()
    {
        float[] values = Observations.Bell(100_000);
        float[] widths = [.. new double[] { 1, 3, 30 }.Select(weight => Observations.RangeOf(new MeanSquaredErrorObserver(symmetric: false, weight), values).Width)];

        Assert.IsGreaterThan(widths[0], widths[1]);
        Assert.IsGreaterThan(widths[1], widths[2]);
    }

    [TestMethod]
    public void Keeps_all_of_numbers_that_are_spread_evenly()
    {
        float[] values = Weights.Uniform(new Random(1), [20_000], -1, 3).ToSingles();
        ValueRange range = Observations.RangeOf(new MeanSquaredErrorObserver(symmetric: false), values);
        Assert.IsGreaterThan(3.9f, range.Width);
    }

    [TestMethod]
    public void Numbers_that_are_all_negative_keep_zero_in_reach()
    {
        ValueRange range = Observations.RangeOf(new MeanSquaredErrorObserver(symmetric: false), Observations.Bell(10_000).Select(value => -5 - Math.Abs(value)).ToArray());
        Assert.IsLessThan(-5f, range.Lowest);
        Assert.IsLessThan(0f, range.Highest);
    }
}
