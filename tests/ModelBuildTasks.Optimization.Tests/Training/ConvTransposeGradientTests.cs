using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class ConvTransposeGradientTests
{
    [TestMethod]
    public void Matches_differences_with_strides_and_bias() =>
        Verify([2, 3, 3, 4], [3, 2, 3, 2], node => node.Set("strides", [2, 3]));

    [TestMethod]
    public void Matches_differences_with_uneven_padding_and_output_padding() =>
        Verify([1, 2, 4, 3], [2, 3, 3, 3], node => node.Set("strides", [2, 2]).Set("pads", [1, 0, 0, 1]).Set("output_padding", [1, 0]));

    [TestMethod]
    public void Matches_differences_with_dilations() =>
        Verify([1, 2, 3, 3], [2, 2, 2, 3], node => node.Set("dilations", [2, 2]).Set("pads", [1, 1, 1, 1]));

    [TestMethod]
    public void Matches_differences_with_groups()
    {
        Verify([2, 4, 3, 3], [4, 3, 2, 2], node => node.Set("group", 2).Set("strides", [2, 2]), groups: 2);
        Verify([2, 3, 3, 3], [3, 1, 2, 2], node => node.Set("group", 3).Set("strides", [2, 2]), groups: 3);
    }

    [TestMethod]
    public void Matches_differences_in_one_dimension() => Verify([2, 3, 5], [3, 2, 4], node => node.Set("strides", [2]).Set("pads", [1, 1]));

    [TestMethod]
    public void Matches_differences_in_three_dimensions() => Verify([1, 2, 2, 3, 2], [2, 2, 2, 2, 3], node => node.Set("strides", [2, 1, 2]));

    [TestMethod]
    [DataRow("SAME_UPPER")]
    [DataRow("SAME_LOWER")]
    public void Matches_differences_with_automatic_padding(string padding) =>
        Verify([1, 2, 3, 4], [2, 2, 3, 4], node => node.Set("auto_pad", padding).Set("strides", [2, 2]));

    [TestMethod]
    public void Matches_differences_with_a_given_output_shape() =>
        Verify([1, 2, 3, 4], [2, 2, 3, 3], node => node.Set("output_shape", [6, 8]).Set("strides", [2, 2]));

    [TestMethod]
    public void Matches_differences_when_the_given_shape_is_larger_than_the_windows() =>
        Verify([1, 2, 3, 4], [2, 2, 2, 2], node => node.Set("output_shape", [7, 9]).Set("strides", [2, 2]));

    [TestMethod]
    public void Matches_differences_in_random_forms()
    {
        for (int seed = 1; seed <= 12; seed++)
        {
            Random random = new(seed);
            int axes = 1 + random.Next(3);
            long[] Each(Func<int, int> next) => [.. Enumerable.Range(0, axes).Select(axis => (long)next(axis))];
            long groups = 1 + random.Next(2);
            long[] kernel = Each(_ => 1 + random.Next(3)), dilations = Each(_ => 1 + random.Next(2)), strides = Each(_ => 1 + random.Next(3));
            long[] pads = [.. Each(_ => random.Next(2)), .. Each(_ => random.Next(2))], added = Each(axis => random.Next((int)strides[axis]));
            long channels = groups * (1 + random.Next(2));
            Verify(
                [1 + random.Next(2), channels, .. Each(_ => 3 + random.Next(2))],
                [channels, 1 + random.Next(2), .. kernel],
                node => node.Set("dilations", dilations).Set("strides", strides).Set("pads", pads).Set("output_padding", added).Set("group", groups),
                groups);
        }
    }

    private static void Verify(long[] input, long[] weight, Func<Node, Node> configure, long groups = 1) =>
        GradientCheck.Verify((graph, v) => configure(graph.AddNode("ConvTranspose", v)).Output, input, weight, [weight[1] * groups]);
}
