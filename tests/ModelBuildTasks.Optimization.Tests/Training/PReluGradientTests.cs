namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class PReluGradientTests
{
    [TestMethod]
    public void Matches_differences_with_a_slope_a_channel() => GradientCheck.Verify((graph, v) => graph.Add("PRelu", v[0], v[1]), [2, 3, 4, 2], [3, 1, 1]);

    [TestMethod]
    public void Matches_differences_with_one_slope() => GradientCheck.Verify((graph, v) => graph.Add("PRelu", v[0], v[1]), [2, 3], [1]);

    [TestMethod]
    public void Matches_differences_with_a_slope_an_element() => GradientCheck.Verify((graph, v) => graph.Add("PRelu", v[0], v[1]), [2, 3], [2, 3]);
}
