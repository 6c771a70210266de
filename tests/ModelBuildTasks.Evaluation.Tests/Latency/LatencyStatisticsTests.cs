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

    [TestMethod]
    // Twice the share of ten tosses of a coin that show no head is 0.002, none or one head 0.021, at most two 0.109.
    [DataRow(10, 0.99, 0)]
    [DataRow(10, 0.97, 1)]
    [DataRow(10, 0.80, 2)]
    // At most two heads of fifteen: 0.0074; at most three: 0.035.
    [DataRow(15, 0.99, 2)]
    [DataRow(3, 0.99, 0)]
    public void The_sign_interval_leaves_out_as_many_values_as_a_coin_may(int count, double confidence, int rank)
    {
        double[] values = [.. Enumerable.Range(0, count).Reverse().Select(value => (double)value)];

        Assert.AreEqual((rank, count - 1 - rank), LatencyStatistics.SignInterval(values, confidence));
    }

    [TestMethod]
    public void Intervals_of_ratios_hold_the_true_one_whatever_the_disturbance_where_order_is_drawn_by_lot()
    {
        int held = 0;
        for (int trial = 0; trial < 400; trial++)
        {
            Random random = new(trial);
            double level = 1;
            List<(double First, double Second)> pairs = [];
            for (int i = 0; i < 20; i++)
            {
                // Steps that last for many pairs, and within one of three pairs a disturbance of one half, whose size goes with the step.
                level = random.Next(8) == 0 ? 1 + random.NextDouble() : level;
                double disturbed = random.Next(3) == 0 ? level * level : 1 + 0.01 * random.NextDouble();
                pairs.Add(random.Next(2) == 0 ? (level * disturbed, 0.5 * level) : (level, 0.5 * level * disturbed));
            }

            Estimate ratio = LatencyStatistics.Ratio(pairs, new LatencySettings { Resamples = 200, Seed = trial });
            held += ratio.Low <= 0.5 && 0.5 <= ratio.High ? 1 : 0;
        }

        Assert.IsGreaterThanOrEqualTo(0.99, held / 400.0, $"{held} of 400 intervals hold the true ratio.");
    }
}
