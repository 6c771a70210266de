namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class GlobalAveragePoolGradientTests
{
    [TestMethod]
    public void Matches_differences() => GradientCheck.Verify((graph, v) => graph.Add("GlobalAveragePool", v[0]), [2, 3, 4, 5]);
}
