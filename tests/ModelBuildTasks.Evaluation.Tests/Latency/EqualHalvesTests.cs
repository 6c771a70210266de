using ModelBuildTasks.Evaluation.Latency;

namespace ModelBuildTasks.Evaluation.Tests.Latency;

[TestClass]
public sealed class EqualHalvesTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    [TestMethod]
    [DataRow(4e-3, 4e-3, 1, 1)]
    [DataRow(4e-3, 1e-3, 1, 4)]
    [DataRow(1e-3, 4e-3, 4, 1)]
    [DataRow(4e-3, 1.6e-3, 2, 5)]
    [DataRow(4e-3, 3.6e-3, 8, 9)]
    [DataRow(0.2e-3, 0.1e-3, 5, 10)]
    public void Halves_take_the_same_time(double first, double second, int firstRuns, int secondRuns) =>
        Assert.AreEqual((firstRuns, secondRuns), EqualHalves.Of(first, second, Limit));

    [TestMethod]
    public void Runs_that_leave_few_pairs_are_not_repeated() =>
        Assert.AreEqual((1, 1), EqualHalves.Of(3, 0.3, Limit));

    [TestMethod]
    [DataRow(0.0, 0.0)]
    [DataRow(1e-9, 1e-9)]
    [DataRow(1e-2, 1e-9)]
    public void Runs_are_bounded(double first, double second)
    {
        (int firstRuns, int secondRuns) = EqualHalves.Of(first, second, Limit);

        Assert.IsInRange(1, 1000, firstRuns);
        Assert.IsInRange(1, 1000, secondRuns);
    }
}
