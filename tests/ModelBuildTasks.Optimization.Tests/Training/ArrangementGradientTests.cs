using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

/// <summary>Operators that keep all values and change shape or order.</summary>
[TestClass]
public sealed class ArrangementGradientTests
{
    [TestMethod]
    public void Returns_through_squeeze_and_unsqueeze()
    {
        GradientCheck.Verify((graph, v) => graph.Add("Squeeze", v[0], graph.AddInitializer("axes", Tensor.Vector(-1L))), [2, 1, 3, 1]);
        GradientCheck.Verify((graph, v) => graph.Add("Squeeze", v[0]), [2, 1, 3, 1]);
        GradientCheck.Verify((graph, v) => graph.Add("Unsqueeze", v[0], graph.AddInitializer("axes", Tensor.Vector(0L, 2))), [2, 3]);
    }

    [TestMethod]
    public void Returns_through_identity() => GradientCheck.Verify((graph, v) => graph.Add("Identity", v[0]), [2, 3]);

    [TestMethod]
    public void Returns_through_transpose()
    {
        GradientCheck.Verify((graph, v) => graph.Add("Transpose", v[0]), [2, 3, 4]);
        GradientCheck.Verify((graph, v) => graph.AddNode("Transpose", v).Set("perm", [2, 0, 3, 1]).Output, [2, 3, 4, 1]);
    }

    [TestMethod]
    public void Sums_what_expand_spreads() =>
        GradientCheck.Verify((graph, v) => graph.Add("Expand", v[0], graph.AddInitializer("shape", Tensor.Vector(2L, 1, 4))), [3, 1]);

    [TestMethod]
    public void Gives_each_operand_its_part_of_concat()
    {
        GradientCheck.Verify((graph, v) => graph.AddNode("Concat", v).Set("axis", 1).Output, [2, 3, 2], [2, 1, 2], [2, 2, 2]);
        GradientCheck.Verify((graph, v) => graph.AddNode("Concat", [v[0], v[1], v[0]]).Set("axis", -1).Output, [2, 3], [2, 2]);
    }

    [TestMethod]
    public void Puts_the_parts_of_split_together()
    {
        GradientCheck.Verify(
            (graph, v) =>
            {
                Node split = graph.AddNode("Split", [v[0], graph.AddInitializer("sizes", Tensor.Vector(1L, 3))], outputCount: 2).Set("axis", -1);
                return graph.Add("Mul", split.Outputs[0], split.Outputs[1]);
            },
            [2, 4]);
    }

    [TestMethod]
    public void Has_zeros_for_a_part_that_the_loss_does_not_read() =>
        GradientCheck.Verify(
            (graph, v) =>
            {
                Node split = graph.AddNode("Split", [v[0]], outputCount: 2).Set("axis", 1).Set("num_outputs", 2);
                return graph.Add("Mul", split.Outputs[0], graph.Add("Floor", split.Outputs[1]));
            },
            [Tensor.Create([2, 4], [0.3f, 0.7f, 1.4f, -1.6f, -0.4f, 1.2f, 2.5f, 0.5f])]);

    [TestMethod]
    public void Has_zeros_for_a_part_that_nothing_reads()
    {
        GradientCheck.Verify((graph, v) => graph.AddNode("Split", v, outputCount: 3).Set("num_outputs", 3).Outputs[1], [8, 2]);
        GradientCheck.Verify((graph, v) => graph.AddNode("Split", [v[0], graph.AddInitializer("sizes", Tensor.Vector(1L, 3))], outputCount: 2).Set("axis", 1).Outputs[1], [2, 4]);
    }

    [TestMethod]
    public void Refuses_computed_sizes_of_parts() =>
        Assert.ThrowsExactly<GradientException>(() => GradientCheck.Verify(
            (graph, v) => graph.AddNode("Split", [v[0], graph.Add("Abs", graph.AddInitializer("sizes", Tensor.Vector(1L, 3)))], outputCount: 2).Output,
            [4]));

    [TestMethod]
    [DataRow("DCR")]
    [DataRow("CRD")]
    public void Returns_through_depth_to_space(string mode) =>
        GradientCheck.Verify((graph, v) => graph.AddNode("DepthToSpace", v).Set("blocksize", 2).Set("mode", mode).Output, [2, 12, 2, 3]);

    [TestMethod]
    public void Returns_through_space_to_depth() => GradientCheck.Verify((graph, v) => graph.AddNode("SpaceToDepth", v).Set("blocksize", 2).Output, [2, 3, 4, 6]);

    [TestMethod]
    public void Matches_differences_of_cumulative_sums()
    {
        for (int exclusive = 0; exclusive < 2; exclusive++)
        {
            for (int reverse = 0; reverse < 2; reverse++)
            {
                GradientCheck.Verify(
                    (graph, v) => graph.AddNode("CumSum", [v[0], graph.AddInitializer("axis", Tensor.Scalar(1L))]).Set("exclusive", exclusive).Set("reverse", reverse).Output,
                    [2, 4, 3]);
            }
        }
    }
}
