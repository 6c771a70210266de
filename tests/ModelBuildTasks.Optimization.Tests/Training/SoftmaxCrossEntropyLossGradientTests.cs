using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class SoftmaxCrossEntropyLossGradientTests
{
    [TestMethod]
    public void Matches_differences() =>
        GradientCheck.Verify((graph, v) => graph.Add("SoftmaxCrossEntropyLoss", v[0], graph.AddInitializer("labels", Tensor.Vector(2L, 0, 1))), [3, 4]);

    [TestMethod]
    public void Refuses_a_sum()
    {
        GradientException exception = Assert.ThrowsExactly<GradientException>(() => GradientCheck.Verify(
            (graph, v) => graph.AddNode("SoftmaxCrossEntropyLoss", [v[0], graph.AddInitializer("labels", Tensor.Vector(2L, 0, 1))]).Set("reduction", "sum").Output,
            [3, 4]));
        StringAssert.Contains(exception.Message, "only the mean", StringComparison.Ordinal);
    }
}
