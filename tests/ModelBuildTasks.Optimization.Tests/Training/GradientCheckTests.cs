using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class GradientCheckTests
{
    /// <summary>Relu has no derivative at 0: the rule says 0, differences say a half, and the check has to notice.</summary>
    [TestMethod]
    public void Detects_a_wrong_gradient()
    {
        double[] kinked = GradientCheck.Errors((graph, v) => graph.Add("Relu", v[0]), [Onnx.Tensor.Create([2], [1f, 0f])]);
        Assert.IsGreaterThan(0.1, kinked[0]);
    }
}
