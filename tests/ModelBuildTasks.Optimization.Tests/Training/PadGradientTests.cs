using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class PadGradientTests
{
    [TestMethod]
    public void Matches_differences_with_a_constant() => Verify("constant", [0, 1, 2, 0, 0, 3]);

    [TestMethod]
    public void Matches_differences_with_negative_pads() => Verify("constant", [0, -1, 2, 0, 0, -2]);

    [TestMethod]
    public void Matches_differences_where_elements_repeat()
    {
        Verify("reflect", [0, 1, 2, 0, 2, 1]);
        Verify("edge", [0, 1, 2, 1, 2, 1]);
        Verify("wrap", [0, 1, 2, 0, 2, 1]);
    }

    [TestMethod]
    [DataRow("reflect")]
    [DataRow("edge")]
    [DataRow("wrap")]
    public void Leaves_out_a_constant_that_the_mode_does_not_use(string mode) =>
        GradientCheck.Verify(
            (graph, v) => graph.AddNode("Pad", [v[0], graph.AddInitializer("pads", Tensor.Vector(1L, 1)), graph.AddInitializer("constant", Tensor.Scalar(0f)), graph.AddInitializer("axes", Tensor.Vector(-1L))])
                .Set("mode", mode).Output,
            [2, 3]);

    [TestMethod]
    public void Matches_differences_with_named_axes() =>
        GradientCheck.Verify(
            (graph, v) => graph.Add("Pad", v[0], graph.AddInitializer("pads", Tensor.Vector(1L, 2)), null, graph.AddInitializer("axes", Tensor.Vector(-1L))),
            [2, 3]);

    [TestMethod]
    public void Refuses_to_train_the_constant() =>
        Assert.ThrowsExactly<GradientException>(() =>
            GradientCheck.Verify((graph, v) => graph.Add("Pad", v[0], graph.AddInitializer("pads", Tensor.Vector(1L, 2)), v[1]), [3], []));

    private static void Verify(string mode, long[] pads) =>
        GradientCheck.Verify((graph, v) => graph.AddNode("Pad", [v[0], graph.AddInitializer("pads", Tensor.Vector(pads))]).Set("mode", mode).Output, [2, 3, 4]);
}
