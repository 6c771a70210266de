using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

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

    [TestMethod]
    [DataRow(0f, 6f)]
    [DataRow(-0.1f, 0.3f)]
    [DataRow(3f, 1f)]
    [DataRow(-1e9f, 1e9f)]
    public void Passes_the_gradient_strictly_between_bounds(float low, float high)
    {
        float[] around = [.. new[] { low, high }.SelectMany(bound => new[] { MathF.BitDecrement(bound), bound, MathF.BitIncrement(bound) })];
        Model model = Model.Create("clip", opset: 17, irVersion: 8);
        Value weight = model.Graph.AddInitializer("w", Tensor.Vector(around));
        Value clipped = model.Graph.Add("Clip", weight, model.Graph.AddInitializer("low", Tensor.Scalar(low)), model.Graph.AddInitializer("high", Tensor.Scalar(high)));
        Value loss = model.Graph.AddNode("ReduceSum", [clipped]).Set("keepdims", 0).Output;
        GradientModel gradient = GradientBuilder.Build(model, loss.Name, ["w"], []);
        using ModelSession session = ModelSession.Open(gradient.Model);
        float[] actual = session.Run([weight.Initializer!])[^1].ToSingles();
        for (int i = 0; i < around.Length; i++)
        {
            // The number next to 0 lies on the slope of the step that stands for the comparison.
            Assert.AreEqual(around[i] > Math.Max(low, 1e-30f) && around[i] < high || (around[i] > low && around[i] < Math.Min(high, -1e-30f)) ? 1f : 0f, actual[i], 1e-6f, $"at {around[i]}");
        }
    }
}
