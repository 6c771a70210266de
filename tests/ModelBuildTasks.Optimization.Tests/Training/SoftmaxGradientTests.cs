namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class SoftmaxGradientTests
{
    [TestMethod]
    [DataRow("Softmax", -1)]
    [DataRow("Softmax", 1)]
    [DataRow("Softmax", 0)]
    [DataRow("LogSoftmax", -1)]
    [DataRow("LogSoftmax", 1)]
    [DataRow("LogSoftmax", 0)]
    public void Matches_differences_along_each_axis(string opType, int axis) =>
        GradientCheck.Verify((graph, v) => graph.AddNode(opType, v).Set("axis", axis).Output, [2, 3, 4]);

    [TestMethod]
    [DataRow("Softmax")]
    [DataRow("LogSoftmax")]
    public void Takes_the_last_axis_when_none_is_named(string opType) => GradientCheck.Verify((graph, v) => graph.Add(opType, v[0]), [2, 3, 4]);
}
