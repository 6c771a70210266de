using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class ClipGradientTests
{
    private static readonly Tensor Spread = RandomShapes.Distinct([3, 4, 5], seed: 1);

    [TestMethod]
    [DataRow(true, true)]
    [DataRow(true, false)]
    [DataRow(false, true)]
    [DataRow(false, false)]
    public void Matches_differences_for_each_bound(bool low, bool high) =>
        GradientCheck.Verify(
            (graph, v) => graph.Add(
                "Clip",
                v[0],
                low ? graph.AddInitializer("low", Tensor.Scalar(-0.6f)) : null,
                high ? graph.AddInitializer("high", Tensor.Scalar(0.9f)) : null),
            [Spread]);

    [TestMethod]
    public void Matches_differences_of_the_bounds() =>
        GradientCheck.Verify((graph, v) => graph.Add("Clip", v[0], v[1], v[2]), [Spread, Tensor.Scalar(-0.6f), Tensor.Scalar(0.9f)]);

    [TestMethod]
    public void Gives_all_to_the_upper_bound_when_the_lower_is_above_it() =>
        GradientCheck.Verify((graph, v) => graph.Add("Clip", v[0], v[1], v[2]), [Spread, Tensor.Scalar(0.6f), Tensor.Scalar(-0.3f)]);
}
