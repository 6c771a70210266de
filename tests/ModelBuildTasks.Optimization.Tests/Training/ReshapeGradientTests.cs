using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class ReshapeGradientTests
{
    [TestMethod]
    public void Returns_through_flatten() => GradientCheck.Verify((graph, v) => graph.Add("Flatten", graph.Add("Mul", v[0], v[0])), [2, 3, 2]);

    [TestMethod]
    public void Returns_through_reshape() =>
        GradientCheck.Verify((graph, v) => graph.Add("Reshape", graph.Add("Mul", v[0], v[0]), graph.AddInitializer("shape", Tensor.Vector(3L, -1))), [2, 3, 2]);
}
