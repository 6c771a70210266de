using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class ResizeGradientTests
{
    private static readonly string[] Coordinates = ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric"];

    [TestMethod]
    [DataRow("nearest")]
    [DataRow("linear")]
    [DataRow("cubic")]
    public void Matches_differences_by_scales(string mode)
    {
        foreach (string coordinates in Coordinates)
        {
            Verify([1, 2, 4, 3], node => node.Set("mode", mode).Set("coordinate_transformation_mode", coordinates), scales: [1, 1, 2, 1.5f]);
            Verify([1, 2, 5, 6], node => node.Set("mode", mode).Set("coordinate_transformation_mode", coordinates), scales: [1, 1, 0.6f, 0.7f]);
        }
    }

    [TestMethod]
    [DataRow("nearest")]
    [DataRow("linear")]
    [DataRow("cubic")]
    public void Matches_differences_by_sizes(string mode)
    {
        foreach (string coordinates in Coordinates)
        {
            Verify([2, 1, 4, 3], node => node.Set("mode", mode).Set("coordinate_transformation_mode", coordinates), sizes: [2, 1, 7, 2]);
        }
    }

    [TestMethod]
    [DataRow("floor")]
    [DataRow("ceil")]
    [DataRow("round_prefer_ceil")]
    public void Matches_differences_with_each_rounding(string rounding) =>
        Verify([1, 1, 4, 5], node => node.Set("mode", "nearest").Set("nearest_mode", rounding).Set("coordinate_transformation_mode", "asymmetric"), scales: [1, 1, 1.6f, 0.5f]);

    [TestMethod]
    public void Matches_differences_over_other_numbers_of_axes()
    {
        Verify([1, 2, 5], node => node.Set("mode", "nearest"), scales: [1, 1, 2]);
        Verify([1, 2, 3, 2, 3], node => node.Set("mode", "nearest"), scales: [1, 1, 2, 1, 2]);
        Verify([1, 2, 3, 2, 3], node => node.Set("mode", "linear"), scales: [1, 1, 2, 1.5f, 2]);
    }

    [TestMethod]
    public void Matches_differences_with_named_axes() => Verify([1, 2, 3, 4], node => node.Set("mode", "linear").Set("axes", [2, 3]), scales: [2, 1.5f]);

    [TestMethod]
    public void Matches_differences_with_antialiasing() => Verify([1, 2, 6, 6], node => node.Set("mode", "linear").Set("antialias", 1), scales: [1, 1, 0.5f, 0.4f]);

    [TestMethod]
    public void Refuses_to_keep_the_aspect_ratio() =>
        Assert.ThrowsExactly<GradientException>(() =>
            Verify([1, 1, 4, 4], node => node.Set("axes", [2, 3]).Set("keep_aspect_ratio_policy", "not_larger"), sizes: [3, 2]));

    private static void Verify(long[] shape, Func<Node, Node> configure, float[]? scales = null, long[]? sizes = null) =>
        GradientCheck.Verify(
            (graph, v) => configure(graph.AddNode("Resize", scales is not null
                ? [v[0], null, graph.AddInitializer("scales", Tensor.Vector(scales))]
                : [v[0], null, null, graph.AddInitializer("sizes", Tensor.Vector(sizes!))])).Output,
            shape);
}
