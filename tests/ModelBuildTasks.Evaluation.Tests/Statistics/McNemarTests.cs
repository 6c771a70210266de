using ModelBuildTasks.Evaluation.Statistics;

namespace ModelBuildTasks.Evaluation.Tests.Statistics;

[TestClass]
public sealed class McNemarTests
{
    // Twice the chance of at most the smaller number of heads: 2·(1 + 10)/2¹⁰, 2·(1 + 5)/2⁵, 2/2⁸.
    [TestMethod]
    [DataRow(9, 1, 22 / 1024.0)]
    [DataRow(1, 4, 12 / 32.0)]
    [DataRow(8, 0, 2 / 256.0)]
    [DataRow(3, 3, 1.0)]
    [DataRow(0, 0, 1.0)]
    public void The_test_is_exact(int lost, int won, double expected) => Assert.AreEqual(expected, McNemar.Test(lost, won).PValue, 1e-12);

    [TestMethod]
    public void Random_counts_agree_with_sums_of_integers()
    {
        Random random = new(7);
        for (int trial = 0; trial < 50; trial++)
        {
            (int lost, int won) = (random.Next(60), random.Next(60));
            System.Numerics.BigInteger tail = 0, choose = 1;
            for (int i = 0; i <= Math.Min(lost, won); i++)
            {
                tail += choose;
                choose = choose * (lost + won - i) / (i + 1);
            }

            Assert.AreEqual(Math.Min(1, 2 * (double)tail / Math.Pow(2, lost + won)), McNemar.Test(lost, won).PValue, 1e-9, $"{lost} lost, {won} won");
        }
    }
}
