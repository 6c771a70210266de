using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class NoGradientTests
{
    [TestMethod]
    [DataRow("Floor")]
    [DataRow("Ceil")]
    [DataRow("Round")]
    [DataRow("Sign")]
    public void Adds_nothing_for_a_staircase(string opType) =>
        GradientCheck.Verify((graph, v) => graph.Add("Mul", v[0], graph.Add(opType, v[0])), [Tensor.Vector(-1.7f, -0.3f, 0.2f, 1.4f)]);

    [TestMethod]
    public void Tells_of_a_parameter_that_only_a_staircase_reads()
    {
        GradientException exception = Assert.ThrowsExactly<GradientException>(() => GradientCheck.Verify((graph, v) => graph.Add("Floor", v[0]), [3]));
        StringAssert.Contains(exception.Message, "does not depend", StringComparison.Ordinal);
    }
}
