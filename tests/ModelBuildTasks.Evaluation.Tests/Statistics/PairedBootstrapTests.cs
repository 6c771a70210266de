using ModelBuildTasks.Evaluation.Metrics;
using ModelBuildTasks.Evaluation.Statistics;

namespace ModelBuildTasks.Evaluation.Tests.Statistics;

[TestClass]
public sealed class PairedBootstrapTests
{
    [TestMethod]
    public void The_interval_of_a_mean_is_that_of_the_normal_approximation()
    {
        double[] values = [.. Enumerable.Range(0, 400).Select(i => i % 4 == 0 ? 1.0 : 0)];
        double Mean(int[] weights) => weights.Zip(values, (weight, value) => weight * value).Sum() / values.Length;

        (Estimate first, _, Estimate difference) = PairedBootstrap.Run(values.Length, Mean, Mean, (a, b) => a - b, new AccuracySettings(2, Resamples: 2000));

        double expected = 1.96 * Math.Sqrt(0.25 * 0.75 / values.Length);
        Assert.AreEqual(0.25, first.Value);
        Assert.AreEqual(expected, first.Uncertainty, expected * 0.1);
        Assert.AreEqual(Estimate.Exact(0), difference);
    }

    [TestMethod]
    public void The_interval_of_a_drop_is_that_of_the_mean_of_paired_differences()
    {
        // Samples differ far more than the models do: an interval that forgets the pairs would be ten times as wide.
        Random random = new(8);
        double[] before = [.. Enumerable.Range(0, 400).Select(_ => 10 * random.NextDouble())];
        double[] after = [.. before.Select(value => value - random.NextDouble())];
        double[] differences = [.. before.Zip(after, (a, b) => a - b)];
        double drop = differences.Average();
        double expected = 1.966 * Math.Sqrt(differences.Sum(value => (value - drop) * (value - drop)) / 399 / 400);

        Estimate found = Drop(before, after, new AccuracySettings(2, Resamples: 4000));

        Assert.AreEqual(drop, found.Value, 1e-12);
        // The standard error of 4000 resamples is known to 1/√8000, about 1 %.
        Assert.AreEqual(expected, found.High - found.Value, expected * 0.05);
        Assert.AreEqual(expected, found.Value - found.Low, expected * 0.05);
    }

    [TestMethod]
    public void Intervals_of_few_samples_are_wider_by_Students_t()
    {
        // Differences −1, 0, 1: standard error √(1/3), t of 2 degrees of freedom 4.303.
        Estimate found = Drop([0, 1, 2], [1, 1, 1], new AccuracySettings(2, Resamples: 4000));

        Assert.AreEqual(4.303 * Math.Sqrt(1 / 3.0), found.Uncertainty, 0.1);
    }

    [TestMethod]
    public void Intervals_hold_the_true_difference_about_as_often_as_they_say()
    {
        // 200 data sets of 150 samples: one model right with chance .9, the other loses 5 % of these answers and wins 1 % back.
        const double TrueDrop = 0.9 * 0.05 - 0.1 * 0.01;
        int held = 0;
        for (int trial = 0; trial < 200; trial++)
        {
            Random random = new(trial);
            bool[] before = [.. Enumerable.Range(0, 150).Select(_ => random.NextDouble() < 0.9)];
            bool[] after = [.. before.Select(right => right ? random.NextDouble() >= 0.05 : random.NextDouble() < 0.01)];
            double Share(bool[] hits, int[] weights) => weights.Zip(hits, (weight, hit) => hit ? weight : 0).Sum() / (double)hits.Length;
            Estimate drop = PairedBootstrap.Run(
                before.Length, weights => Share(before, weights), weights => Share(after, weights), (a, b) => a - b, new AccuracySettings(2, Resamples: 300, Seed: trial)).Difference;
            held += drop.Low <= TrueDrop && TrueDrop <= drop.High ? 1 : 0;
        }

        // Of 200 sound intervals 190 hold it, give or take 9 (three standard deviations); three quarters of the width would hold it in 172.
        Assert.IsTrue(held is >= 181 and <= 199, $"{held} of 200 intervals at 95 % hold the true drop.");
    }

    private static Estimate Drop(double[] before, double[] after, AccuracySettings settings)
    {
        double Mean(double[] values, int[] weights) => weights.Zip(values, (weight, value) => weight * value).Sum() / values.Length;
        return PairedBootstrap.Run(before.Length, weights => Mean(before, weights), weights => Mean(after, weights), (a, b) => a - b, settings).Difference;
    }
}
