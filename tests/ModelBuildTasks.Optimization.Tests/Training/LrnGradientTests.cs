namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class LrnGradientTests
{
    [TestMethod]
    [DataRow(1)]
    [DataRow(3)]
    [DataRow(5)]
    public void Matches_differences_for_windows_of_channels(int size) =>
        GradientCheck.Verify((graph, v) => graph.AddNode("LRN", v).Set("size", size).Set("alpha", 0.5f).Set("beta", 0.6f).Set("bias", 2f).Output, [2, 4, 2, 3]);

    [TestMethod]
    public void Matches_differences_with_the_numbers_that_are_not_stated() =>
        GradientCheck.Verify((graph, v) => graph.AddNode("LRN", v).Set("size", 3).Output, [1, 5, 2, 2]);
}
