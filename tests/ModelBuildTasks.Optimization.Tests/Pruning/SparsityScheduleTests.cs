using ModelBuildTasks.Optimization.Pruning;

namespace ModelBuildTasks.Optimization.Tests.Pruning;

[TestClass]
public sealed class SparsityScheduleTests
{
    /// <summary>Errors at 20, 35, 50, 60, 70, 80, 90, 95 and 100 %.</summary>
    private static readonly double[] Dear = [0.1, 0.2, 0.35, 0.45, 0.6, 0.75, 0.9, 0.95, 1];

    private static readonly double[] Cheap = [0, 0.001, 0.002, 0.004, 0.01, 0.02, 0.05, 0.2, 1];

    [TestMethod]
    [DataRow(0.1)]
    [DataRow(0.5)]
    [DataRow(0.77)]
    [DataRow(1.0)]
    public void Shares_make_the_sparsity_together(double sparsity)
    {
        double[] shares = SparsitySchedule.Allocate([1000, 3000], [Dear, Cheap], sparsity);

        Assert.AreEqual(4000 * sparsity, 1000 * shares[0] + 3000 * shares[1], 1e-6);
        Assert.IsTrue(shares.All(share => share is >= 0 and <= 1));
    }

    [TestMethod]
    public void A_layer_that_loses_less_gives_up_more()
    {
        double[] shares = SparsitySchedule.Allocate([1000, 1000], [Dear, Cheap], 0.45);

        Assert.AreEqual(0, shares[0]);
        Assert.AreEqual(0.9, shares[1], 1e-9);
    }

    [TestMethod]
    public void Of_two_layers_that_lose_the_same_the_larger_gives_up_more()
    {
        double[] shares = SparsitySchedule.Allocate([1000, 4000], [Dear, Dear], 0.5);

        Assert.IsLessThan(shares[1], shares[0]);
    }
}
