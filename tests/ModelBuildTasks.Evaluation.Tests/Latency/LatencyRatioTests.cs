using ModelBuildTasks.Evaluation.Latency;

namespace ModelBuildTasks.Evaluation.Tests.Latency;

[TestClass]
public sealed class LatencyRatioTests
{
    [TestMethod]
    public void Ratio_is_the_optimized_median_over_the_original_median()
    {
        LatencyRatio ratio = LatencyRatio.Of([4, 4, 4, 100], [2, 2, 2, 1]);

        Assert.AreEqual(4, ratio.OriginalMilliseconds);
        Assert.AreEqual(2, ratio.OptimizedMilliseconds);
        Assert.AreEqual(0.5, ratio.Ratio);
        Assert.AreEqual(4, ratio.Pairs);
    }

    [TestMethod]
    public void Interval_holds_the_true_ratio_in_about_95_of_100_experiments()
    {
        const double truth = 0.8;
        Random random = new(1);
        int covered = 0;
        for (int experiment = 0; experiment < 200; experiment++)
        {
            double[] original = [.. Enumerable.Range(0, 60).Select(_ => Noisy(10))];
            double[] optimized = [.. Enumerable.Range(0, 60).Select(_ => Noisy(10 * truth))];
            LatencyRatio ratio = LatencyRatio.Of(original, optimized, seed: experiment);
            covered += ratio.Low <= truth && truth <= ratio.High ? 1 : 0;
        }

        Assert.IsInRange(180, 200, covered);

        double Noisy(double time) => time * (1 + (0.2 * random.NextDouble()));
    }

    [TestMethod]
    public void Interval_of_noiseless_timings_is_a_point()
    {
        LatencyRatio ratio = LatencyRatio.Of([2, 2, 2], [1, 1, 1]);

        Assert.AreEqual(0.5, ratio.Low);
        Assert.AreEqual(0.5, ratio.High);
    }

    [TestMethod]
    public void Same_seed_gives_the_same_interval() =>
        Assert.AreEqual(LatencyRatio.Of([1, 2, 3, 4], [2, 1, 4, 3], seed: 5), LatencyRatio.Of([1, 2, 3, 4], [2, 1, 4, 3], seed: 5));

    [TestMethod]
    public void Timings_without_partners_are_refused() => Assert.ThrowsExactly<ArgumentException>(() => LatencyRatio.Of([1, 2], [1]));
}
