using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class ReductionGradientTests
{
    private static readonly long[][] AxesOfRankThree = [[0], [-1], [0, 2], [1, 2, 0]];

    [TestMethod]
    [DataRow("ReduceL1")]
    [DataRow("ReduceL2")]
    [DataRow("ReduceLogSumExp")]
    [DataRow("ReduceMean")]
    [DataRow("ReduceSum")]
    [DataRow("ReduceSumSquare")]
    public void Matches_differences(string opType) => Verify(opType, GradientCheck.Draw);

    [TestMethod]
    public void Matches_differences_at_positive_values() => Verify("ReduceLogSum", (shape, seed, _) => RandomShapes.Positive(shape, seed));

    [TestMethod]
    public void Matches_differences_of_a_product() => Verify("ReduceProd", (shape, seed, _) => RandomShapes.Positive(shape, seed));

    [TestMethod]
    public void A_product_with_zeros_has_a_gradient_where_all_others_are_none()
    {
        GradientCheck.Verify((graph, v) => graph.Add("ReduceProd", v[0], graph.AddInitializer("axes", Tensor.Vector(1L))), [Tensor.Create([3, 3], [2f, -1, 3, 2, 0, 3, 0, 0, 3])]);
        GradientCheck.Verify((graph, v) => graph.Add("ReduceProd", v[0]), [Tensor.Create([3], [2f, 0, -3])]);
    }

    [TestMethod]
    [DataRow("ReduceMax")]
    [DataRow("ReduceMin")]
    public void Matches_differences_at_values_that_are_apart(string opType) => Verify(opType, (shape, seed, _) => RandomShapes.Distinct(shape, seed));

    [TestMethod]
    public void Matches_differences_of_a_global_maximum() =>
        GradientCheck.Verify((graph, v) => graph.Add("GlobalMaxPool", v[0]), [RandomShapes.Distinct([2, 3, 4, 2], seed: 1)]);

    [TestMethod]
    public void Reduces_everything_or_nothing_when_no_axes_are_named()
    {
        GradientCheck.Verify((graph, v) => graph.Add("ReduceSum", v[0]), [2, 3]);
        GradientCheck.Verify((graph, v) => graph.AddNode("ReduceSum", v).Set("noop_with_empty_axes", 1).Output, [2, 3]);
        GradientCheck.Verify((graph, v) => graph.AddNode("ReduceMax", v).Set("noop_with_empty_axes", 1).Output, [RandomShapes.Distinct([2, 3], seed: 1)]);
        GradientCheck.Verify((graph, v) => graph.Add("ReduceMax", v[0]), [Tensor.Scalar(2f)]);
    }

    [TestMethod]
    public void Reads_axes_of_an_attribute()
    {
        Model model = Model.Create("old", opset: 13, irVersion: 8);
        Graph graph = model.Graph;
        Value weight = graph.AddInitializer("w", Tensor.Create([2, 2], [1f, 2, 3, 4]));
        Value loss = graph.AddNode("ReduceMean", [weight]).Set("axes", [0, 1]).Set("keepdims", 0).Output;
        graph.AddOutput(loss);

        GradientModel gradient = GradientBuilder.Build(model, loss.Name, ["w"], []);

        using Inference.ModelSession session = Inference.ModelSession.Open(gradient.Model);
        CollectionAssert.AreEqual(new[] { 0.25f, 0.25f, 0.25f, 0.25f }, session.Run([weight.Initializer!])[1].ToSingles());
    }

    [TestMethod]
    public void Refuses_computed_axes() =>
        Assert.ThrowsExactly<GradientException>(() =>
            GradientCheck.Verify((graph, v) => graph.Add("ReduceSum", v[0], graph.Add("Neg", graph.AddInitializer("axes", Tensor.Vector(1L)))), [2, 3]));

    private static void Verify(string opType, Func<long[], int, float, Tensor> draw)
    {
        for (int keep = 0; keep < 2; keep++)
        {
            foreach (long[] axes in AxesOfRankThree)
            {
                GradientCheck.Verify(
                    (graph, v) => graph.AddNode(opType, [v[0], graph.AddInitializer("axes", Tensor.Vector(axes))]).Set("keepdims", keep).Output,
                    [draw([2, 3, 4], 1 + keep, 0)]);
            }
        }
    }
}
