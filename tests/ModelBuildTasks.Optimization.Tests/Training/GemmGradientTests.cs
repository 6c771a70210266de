namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class GemmGradientTests
{
    [TestMethod]
    [DataRow(false, false)]
    [DataRow(false, true)]
    [DataRow(true, false)]
    [DataRow(true, true)]
    public void Matches_differences_for_each_transposition(bool transA, bool transB) =>
        GradientCheck.Verify(
            (graph, v) => graph.AddNode("Gemm", v).Set("transA", transA ? 1 : 0).Set("transB", transB ? 1 : 0).Set("alpha", 0.5f).Set("beta", 2f).Output,
            transA ? [3, 2] : [2, 3],
            transB ? [4, 3] : [3, 4],
            [4]);

    [TestMethod]
    public void Matches_differences_without_a_bias() => GradientCheck.Verify((graph, v) => graph.Add("Gemm", v[0], v[1]), [2, 3], [3, 4]);
}
