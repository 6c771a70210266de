using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class DropoutGradientTests
{
    [TestMethod]
    public void Returns_through_dropout_outside_of_training() => GradientCheck.Verify((graph, v) => graph.Add("Dropout", v[0]), [2, 3]);

    [TestMethod]
    public void Refuses_to_drop() =>
        Assert.ThrowsExactly<GradientException>(() => GradientCheck.Verify(
            (graph, v) => graph.Add("Dropout", v[0], graph.AddInitializer("ratio", Tensor.Scalar(0.5f)), graph.AddInitializer("training", Tensor.Scalar(true))),
            [2, 3]));
}
