using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

/// <summary>Normalizations that look at one sample at a time.</summary>
[TestClass]
public sealed class SampleNormalizationGradientTests
{
    [TestMethod]
    [DataRow(-1)]
    [DataRow(1)]
    public void Matches_differences_of_layer_normalization(int axis)
    {
        long[] shape = [2, 3, 5], scale = axis < 0 ? [5] : [3, 5];
        GradientCheck.Verify((graph, v) => graph.AddNode("LayerNormalization", v).Set("axis", axis).Output, shape, scale, scale);
        GradientCheck.Verify((graph, v) => graph.AddNode("LayerNormalization", v).Set("axis", axis).Set("epsilon", 0.1f).Output, shape, scale);
    }

    [TestMethod]
    public void Matches_differences_of_layer_normalization_far_from_zero() =>
        GradientCheck.Verify(
            (graph, v) => graph.AddNode("LayerNormalization", v).Output,
            [GradientCheck.Draw([3, 8], seed: 3, offset: 5), GradientCheck.Draw([8], seed: 4), GradientCheck.Draw([8], seed: 5)]);

    [TestMethod]
    public void Refuses_a_loss_that_depends_on_the_mean_of_layer_normalization() =>
        Assert.ThrowsExactly<GradientException>(() => GradientCheck.Verify(
            (graph, v) =>
            {
                Node node = graph.AddNode("LayerNormalization", v, outputCount: 2);
                return graph.Add("Mul", node.Outputs[0], node.Outputs[1]);
            },
            [2, 5],
            [5],
            [5]));

    [TestMethod]
    [DataRow(-1)]
    [DataRow(1)]
    public void Matches_differences_of_rms_normalization(int axis) =>
        GradientCheck.Verify((graph, v) => graph.AddNode("RMSNormalization", v).Set("axis", axis).Output, [2, 3, 5], axis < 0 ? [5] : [3, 5]);

    [TestMethod]
    public void Matches_differences_of_instance_normalization()
    {
        GradientCheck.Verify((graph, v) => graph.AddNode("InstanceNormalization", v).Output, [2, 3, 4, 3], [3], [3]);
        GradientCheck.Verify((graph, v) => graph.AddNode("InstanceNormalization", v).Set("epsilon", 0.1f).Output, [2, 3, 6], [3], [3]);
    }

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    [DataRow(4)]
    public void Matches_differences_of_group_normalization(int groups) =>
        GradientCheck.Verify((graph, v) => graph.AddNode("GroupNormalization", v).Set("num_groups", groups).Output, [2, 4, 3, 2], [4], [4]);

    [TestMethod]
    public void Matches_differences_of_group_normalization_with_a_scale_a_group() =>
        GradientCheck.Verify(
            (graph, v) => graph.AddNode("GroupNormalization", v).Set("num_groups", 2).Output,
            [GradientCheck.Draw([2, 4, 3, 2], seed: 1), GradientCheck.Draw([2], seed: 2), GradientCheck.Draw([2], seed: 3)],
            opset: 18);

    [TestMethod]
    [DataRow(1, -1)]
    [DataRow(2, -1)]
    [DataRow(1, 1)]
    [DataRow(2, 1)]
    public void Matches_differences_of_division_by_a_norm(int p, int axis) =>
        GradientCheck.Verify((graph, v) => graph.AddNode("LpNormalization", v).Set("p", p).Set("axis", axis).Output, [2, 3, 4]);
}
