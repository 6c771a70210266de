using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Training;

/// <summary>The windows of MaxPool and AveragePool in all their forms.</summary>
[TestClass]
public sealed class PoolGradientTests
{
    [TestMethod]
    [DataRow("MaxPool")]
    [DataRow("AveragePool")]
    public void Matches_differences_with_windows_that_overlap(string opType) =>
        Verify(opType, [2, 3, 5, 6], node => node.Set("kernel_shape", [3, 2]).Set("strides", [2, 1]));

    [TestMethod]
    [DataRow("MaxPool")]
    [DataRow("AveragePool")]
    public void Matches_differences_with_uneven_padding(string opType) =>
        Verify(opType, [1, 2, 5, 6], node => node.Set("kernel_shape", [3, 3]).Set("strides", [2, 2]).Set("pads", [1, 0, 2, 1]));

    [TestMethod]
    [DataRow("MaxPool", "SAME_UPPER")]
    [DataRow("MaxPool", "SAME_LOWER")]
    [DataRow("AveragePool", "SAME_UPPER")]
    [DataRow("AveragePool", "SAME_LOWER")]
    public void Matches_differences_with_automatic_padding(string opType, string padding) =>
        Verify(opType, [1, 2, 5, 6], node => node.Set("kernel_shape", [2, 3]).Set("strides", [2, 2]).Set("auto_pad", padding));

    [TestMethod]
    [DataRow("MaxPool")]
    [DataRow("AveragePool")]
    public void Matches_differences_when_the_number_of_windows_is_rounded_up(string opType)
    {
        Verify(opType, [1, 2, 6, 6], node => node.Set("kernel_shape", [3, 3]).Set("strides", [2, 2]).Set("ceil_mode", 1));
        Verify(opType, [1, 2, 6, 7], node => node.Set("kernel_shape", [3, 3]).Set("strides", [2, 3]).Set("pads", [1, 1, 1, 1]).Set("ceil_mode", 1));
    }

    [TestMethod]
    [DataRow("MaxPool")]
    [DataRow("AveragePool")]
    public void Matches_differences_with_dilations(string opType) =>
        Verify(opType, [1, 2, 6, 7], node => node.Set("kernel_shape", [2, 3]).Set("dilations", [2, 2]).Set("pads", [1, 1, 1, 1]));

    [TestMethod]
    [DataRow("MaxPool")]
    [DataRow("AveragePool")]
    public void Matches_differences_over_one_and_three_axes(string opType)
    {
        Verify(opType, [2, 3, 7], node => node.Set("kernel_shape", [3]).Set("strides", [2]).Set("pads", [1, 1]));
        Verify(opType, [1, 2, 3, 4, 3], node => node.Set("kernel_shape", [2, 2, 2]).Set("strides", [1, 2, 1]));
    }

    [TestMethod]
    public void Matches_differences_when_padding_counts()
    {
        Verify("AveragePool", [1, 2, 5, 6], node => node.Set("kernel_shape", [3, 3]).Set("strides", [2, 2]).Set("pads", [1, 0, 2, 1]).Set("count_include_pad", 1));
        Verify("AveragePool", [1, 2, 6, 6], node => node.Set("kernel_shape", [3, 3]).Set("strides", [2, 2]).Set("pads", [1, 1, 1, 1]).Set("ceil_mode", 1).Set("count_include_pad", 1));
    }

    [TestMethod]
    [DataRow("MaxPool")]
    [DataRow("AveragePool")]
    public void Matches_differences_in_random_forms(string opType)
    {
        for (int seed = 1; seed <= 16; seed++)
        {
            Random random = new(seed);
            int axes = 1 + random.Next(3);
            long[] Each(Func<int, int> next) => [.. Enumerable.Range(0, axes).Select(axis => (long)next(axis))];
            long[] kernel = Each(_ => 1 + random.Next(3)), dilations = Each(_ => 1 + random.Next(2)), strides = Each(_ => 1 + random.Next(3));
            long[] pads = [.. Each(axis => random.Next((int)kernel[axis])), .. Each(axis => random.Next((int)kernel[axis]))];
            long[] size = Each(axis => (int)((kernel[axis] - 1) * dilations[axis]) + 1 + random.Next(3));
            int roundsUp = random.Next(2);
            Verify(
                opType,
                [1 + random.Next(2), 1 + random.Next(2), .. size],
                node => node.Set("kernel_shape", kernel).Set("dilations", dilations).Set("strides", strides).Set("pads", pads).Set("ceil_mode", roundsUp));
        }
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(3)]
    public void Matches_differences_of_norms(int p)
    {
        Verify("LpPool", [1, 2, 5, 6], node => node.Set("p", p).Set("kernel_shape", [3, 2]).Set("strides", [2, 1]).Set("pads", [1, 0, 1, 1]));
        Verify("LpPool", [2, 2, 7], node => node.Set("p", p).Set("kernel_shape", [3]).Set("strides", [2]).Set("ceil_mode", 1));

        // ONNX Runtime has no GlobalLpPool of operator set 22.
        GradientCheck.Verify((graph, v) => graph.AddNode("GlobalLpPool", v).Set("p", p).Output, [GradientCheck.Draw([2, 3, 4, 3], seed: 1)], opset: 17);
    }

    private static void Verify(string opType, long[] shape, Func<Node, Node> configure) =>
        GradientCheck.Verify((graph, v) => configure(graph.AddNode(opType, v)).Output, [RandomShapes.Distinct(shape, seed: 3)]);
}
