using ModelBuildTasks.Optimization.Quantization.Calibration;

namespace ModelBuildTasks.Optimization.Tests.Quantization.Calibration;

[TestClass]
public sealed class AverageMinMaxObserverTests
{
    [TestMethod]
    public void Covers_the_mean_of_the_samples_extremes()
    {
        ValueRange range = Observations.RangeOf(new AverageMinMaxObserver(), [-1f, 2f], [-3f, 4f], [-2f, 9f]);
        Assert.AreEqual(new ValueRange(-2, 5), range);
    }

    [TestMethod]
    public void Does_not_depend_on_the_order_of_samples()
    {
        float[][] samples = [.. Enumerable.Range(0, 100).Select(i => Observations.Bell(50, i))];
        Assert.AreEqual(Observations.RangeOf(new AverageMinMaxObserver(), samples), Observations.RangeOf(new AverageMinMaxObserver(), samples.Reverse()));
    }

    [TestMethod]
    public void Covers_all_of_numbers_too_large_to_add()
    {
        Assert.AreEqual(new ValueRange(-1, 1e20f), Observations.RangeOf(new AverageMinMaxObserver(), [-1f, 1e20f], [0f, 1f]));
    }
}
