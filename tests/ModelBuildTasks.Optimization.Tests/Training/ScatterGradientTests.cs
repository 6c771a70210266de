using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class ScatterGradientTests
{
    [TestMethod]
    [DataRow("none")]
    [DataRow("add")]
    public void Matches_differences_of_slices(string reduction) =>
        GradientCheck.Verify(
            (graph, v) => graph.AddNode("ScatterND", [v[0], graph.AddInitializer("places", Tensor.Create([2, 1], [3L, 1])), v[1]]).Set("reduction", reduction).Output,
            [4, 3],
            [2, 3]);

    [TestMethod]
    [DataRow("none")]
    [DataRow("add")]
    public void Matches_differences_of_elements(string reduction) =>
        GradientCheck.Verify(
            (graph, v) => graph.AddNode("ScatterElements", [v[0], graph.AddInitializer("places", Tensor.Create([2, 2], [3L, 1, 0, -1])), v[1]])
                .Set("axis", 1)
                .Set("reduction", reduction).Output,
            [2, 4],
            [2, 2]);

    [TestMethod]
    public void Refuses_products() =>
        Assert.ThrowsExactly<GradientException>(() => GradientCheck.Verify(
            (graph, v) => graph.AddNode("ScatterND", [v[0], graph.AddInitializer("places", Tensor.Create([1, 1], [1L])), v[1]]).Set("reduction", "mul").Output,
            [4],
            [1]));
}
