using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class ConvGradientTests
{
    [TestMethod]
    public void Matches_differences_with_padding_and_bias() =>
        Verify([2, 3, 5, 4], [4, 3, 3, 3], node => node.Set("pads", [1, 1, 1, 1]), bias: true);

    [TestMethod]
    public void Matches_differences_with_strides_that_leave_a_rest() =>
        Verify([1, 2, 8, 7], [3, 2, 3, 2], node => node.Set("strides", [2, 3]).Set("pads", [1, 0, 1, 0]));

    [TestMethod]
    public void Matches_differences_with_uneven_padding() =>
        Verify([1, 2, 6, 6], [2, 2, 3, 3], node => node.Set("strides", [2, 2]).Set("pads", [0, 0, 1, 1]));

    [TestMethod]
    public void Matches_differences_with_dilations() =>
        Verify([1, 2, 7, 8], [2, 2, 3, 3], node => node.Set("dilations", [2, 3]).Set("pads", [2, 1, 2, 1]));

    [TestMethod]
    public void Matches_differences_with_groups() =>
        Verify([2, 4, 4, 5], [6, 2, 3, 3], node => node.Set("group", 2).Set("pads", [1, 1, 1, 1]), bias: true);

    [TestMethod]
    public void Matches_differences_when_depthwise() =>
        Verify([2, 3, 5, 6], [3, 1, 3, 3], node => node.Set("group", 3).Set("strides", [2, 2]).Set("pads", [1, 1, 1, 1]));

    [TestMethod]
    public void Matches_differences_when_pointwise() =>
        Verify([2, 3, 4, 4], [5, 3, 1, 1], node => node);

    [TestMethod]
    public void Matches_differences_when_pointwise_with_strides() =>
        Verify([2, 3, 5, 4], [4, 3, 1, 1], node => node.Set("strides", [2, 2]));

    [TestMethod]
    public void Matches_differences_with_automatic_padding()
    {
        Verify([1, 2, 6, 7], [2, 2, 3, 4], node => node.Set("auto_pad", "SAME_UPPER").Set("strides", [2, 2]));
        Verify([1, 2, 6, 7], [2, 2, 3, 4], node => node.Set("auto_pad", "SAME_LOWER").Set("strides", [2, 2]));
    }

    [TestMethod]
    public void Matches_differences_in_one_dimension()
    {
        Verify([2, 3, 9], [4, 3, 3], node => node.Set("strides", [2]).Set("pads", [1, 0]), bias: true);
        Verify([2, 4, 9], [4, 1, 3], node => node.Set("group", 4).Set("dilations", [2]));
    }

    [TestMethod]
    public void Matches_differences_in_three_dimensions() =>
        Verify([1, 2, 4, 3, 5], [4, 1, 2, 2, 3], node => node.Set("group", 2).Set("strides", [1, 2, 2]).Set("pads", [0, 1, 1, 1, 0, 1]), bias: true);

    [TestMethod]
    public void Matches_differences_when_depthwise_with_several_filters_a_channel() =>
        Verify([2, 2, 5, 4], [6, 1, 3, 2], node => node.Set("group", 2));

    [TestMethod]
    public void Matches_differences_with_many_filters_and_few_positions()
    {
        Verify([2, 5, 2, 3], [6, 5, 3, 3], node => node.Set("pads", [1, 1, 1, 1]));
        Verify([2, 6, 2, 1], [7, 6, 1, 1], node => node);
        Verify([2, 6, 1, 2], [10, 3, 1, 1], node => node.Set("group", 2));
    }

    [TestMethod]
    public void Matches_differences_with_strides_over_many_channels() =>
        Verify([2, 5, 6, 7], [2, 5, 3, 2], node => node.Set("strides", [2, 2]).Set("pads", [1, 0, 1, 0]));

    [TestMethod]
    public void Matches_differences_in_random_forms()
    {
        for (int seed = 1; seed <= 12; seed++)
        {
            Random random = new(seed);
            int axes = 1 + random.Next(3);
            long groups = 1 + random.Next(3);
            long[] Each(int least, int most) => [.. Enumerable.Range(0, axes).Select(_ => (long)random.Next(least, most + 1))];
            long[] kernel = Each(1, 3), dilations = Each(1, 2), strides = Each(1, 3), begin = Each(0, 2), end = Each(0, 2);
            long[] size = [.. Enumerable.Range(0, axes).Select(axis => Math.Max(1, ((kernel[axis] - 1) * dilations[axis]) + 1 + random.Next(3) - begin[axis] - end[axis]))];
            long channels = 1 + random.Next(2);
            Verify(
                [1 + random.Next(2), groups * channels, .. size],
                [groups * (1 + random.Next(2)), channels, .. kernel],
                node => node.Set("group", groups).Set("dilations", dilations).Set("strides", strides).Set("pads", [.. begin, .. end]),
                bias: true);
        }
    }

    private static void Verify(long[] input, long[] weight, Func<Node, Node> configure, bool bias = false) =>
        GradientCheck.Verify(
            (graph, operands) => configure(graph.AddNode("Conv", operands)).Output,
            bias ? [input, weight, [weight[0]]] : [input, weight]);
}
