using ModelBuildTasks.Evaluation.Statistics;

namespace ModelBuildTasks.Evaluation.Tests.Statistics;

[TestClass]
public sealed class ProportionsTests
{
    // z = 1.959964: (p + z²/2n ± z√(p(1 − p)/n + z²/4n²)) / (1 + z²/n).
    [TestMethod]
    [DataRow(9, 10, 0.5958500, 0.9821238)]
    [DataRow(10, 10, 0.7224672, 1.0)]
    [DataRow(0, 20, 0.0, 0.1611252)]
    public void A_share_has_the_interval_of_Wilson(int right, int samples, double low, double high)
    {
        Estimate share = Proportions.Share(right, samples, 0.95);

        Assert.AreEqual((double)right / samples, share.Value);
        Assert.AreEqual(low, share.Low, 1e-6);
        Assert.AreEqual(high, share.High, 1e-6);
    }

    [TestMethod]
    public void Models_that_never_differ_may_still_differ_by_a_little()
    {
        // The statistic is nΔ/√(nΔ(1 − Δ)) here, so that the bounds are ±z²/(n + z²).
        const double Square = 1.959963985 * 1.959963985;
        Estimate drop = Proportions.PairedDifference(0, 0, 100, 0.95);

        Assert.AreEqual(0, drop.Value);
        Assert.AreEqual(Square / (100 + Square), drop.High, 1e-9);
        Assert.AreEqual(-Square / (100 + Square), drop.Low, 1e-9);
    }

    [TestMethod]
    [DataRow(7, 2, 50)]
    [DataRow(1, 0, 30)]
    [DataRow(40, 10, 500)]
    [DataRow(0, 5, 20)]
    [DataRow(20, 0, 20)]
    public void Bounds_of_a_difference_are_where_the_most_likely_shares_are_just_rejected(int lost, int won, int samples)
    {
        Estimate drop = Proportions.PairedDifference(lost, won, samples, 0.95);

        Assert.AreEqual((lost - won) / (double)samples, drop.Value, 1e-12);
        foreach (double bound in new[] { drop.Low, drop.High }.Where(bound => Math.Abs(bound) < 1 - 1e-9))
        {
            Assert.AreEqual(1.959963985, Math.Abs(Standardized(lost, won, samples, bound)), 1e-5);
        }
    }

    [TestMethod]
    public void Loss_and_gain_are_mirror_images()
    {
        Estimate loss = Proportions.PairedDifference(9, 2, 80, 0.95);
        Estimate gain = Proportions.PairedDifference(2, 9, 80, 0.95);

        Assert.AreEqual(loss.Low, -gain.High, 1e-9);
        Assert.AreEqual(loss.High, -gain.Low, 1e-9);
    }

    [TestMethod]
    public void Resolution_is_half_the_interval_of_the_normal_distribution() =>
        Assert.AreEqual(1.959963985 * Math.Sqrt((0.09 - 0.05 * 0.05) / 100), Proportions.Resolution(7, 2, 100, 0.95), 1e-9);

    /// <summary>The distance in standard errors, with the share won found by trying all of a fine grid for the largest likelihood.</summary>
    private static double Standardized(int lost, int won, int samples, double difference)
    {
        double Likelihood(double share) => Term(lost, share + difference) + Term(won, share) + Term(samples - lost - won, 1 - 2 * share - difference);
        static double Term(int count, double chance) => count == 0 ? 0 : chance <= 0 ? double.NegativeInfinity : count * Math.Log(chance);
        (double from, double to) = (Math.Max(0, -difference), (1 - difference) / 2);
        double best = from;
        for (int refinement = 0; refinement < 8; refinement++)
        {
            double[] grid = [.. Enumerable.Range(0, 1001).Select(i => from + (to - from) * i / 1000)];
            best = grid.MaxBy(Likelihood);
            (from, to) = (Math.Max(from, best - (to - from) / 500), Math.Min(to, best + (to - from) / 500));
        }

        return (lost - won - samples * difference) / Math.Sqrt(samples * (2 * best + difference - difference * difference));
    }
}
