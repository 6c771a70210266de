namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class ReluGradientTests
{
    [TestMethod]
    public void Matches_differences() => GradientCheck.Verify((graph, v) => graph.Add("Relu", v[0]), [3, 7]);
}
