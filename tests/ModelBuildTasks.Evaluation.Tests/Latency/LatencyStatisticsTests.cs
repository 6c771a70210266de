using ModelBuildTasks.Evaluation.Latency;
using ModelBuildTasks.Evaluation.Statistics;

namespace ModelBuildTasks.Evaluation.Tests.Latency;

[TestClass]
public sealed class LatencyStatisticsTests
{
    [TestMethod]
    [DataRow(0.0, 50)]
    [DataRow(0.0, 200)]
    [DataRow(0.4, 200)]
    public void Intervals_hold_the_true_median_nearly_as_often_as_they_say(double memory, int count)
    {
        int held = 0;
        for (int trial = 0; trial < 300; trial++)
        {
            Random random = new(trial);
            double state = 0;
            // Symmetric noise around 1 that remembers a share of the last value, as timings do.
            double[] values = [.. Enumerable.Range(0, count).Select(_ => 1 + (state = memory * state + random.NextDouble() - random.NextDouble()))];
            Estimate median = LatencyStatistics.Median(values, new LatencySettings { Resamples = 300, Confidence = 0.95, Seed = trial });
            held += median.Low <= 1 && 1 <= median.High ? 1 : 0;
        }

        Assert.IsGreaterThanOrEqualTo(0.88, held / 300.0, $"{held} of 300 intervals hold the true median.");
    }

    [TestMethod]
    public void One_value_has_no_spread() =>
        Assert.AreEqual(Estimate.Exact(3), LatencyStatistics.Median([3], new LatencySettings()));
}
