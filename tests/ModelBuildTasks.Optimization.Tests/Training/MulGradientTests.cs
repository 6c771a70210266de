namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class MulGradientTests
{
    [TestMethod]
    public void Matches_differences() => GradientCheck.Verify((graph, v) => graph.Add("Mul", v[0], v[1]), [2, 3], [2, 3]);

    [TestMethod]
    public void Sums_over_broadcast_axes() => GradientCheck.Verify((graph, v) => graph.Add("Mul", v[0], v[1]), [2, 3, 4], [3, 1]);

    [TestMethod]
    public void Covers_the_square() => GradientCheck.Verify((graph, v) => graph.Add("Mul", v[0], v[0]), [4]);
}
