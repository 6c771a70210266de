using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class BatchNormalizationGradientTests
{
    private static readonly Tensor Mean = Tensor.Vector(0.2f, -0.4f, 1f);
    private static readonly Tensor Variance = Tensor.Vector(0.5f, 1.5f, 2f);

    [TestMethod]
    public void Matches_differences_with_the_statistics_of_the_batch() =>
        GradientCheck.Verify((graph, v) => Normalize(graph, v, outputs: 3).Set("training_mode", 1).Set("momentum", 0f).Output, [4, 3, 3, 2], [3], [3]);

    [TestMethod]
    public void Matches_differences_when_the_mean_is_far_from_zero() =>
        GradientCheck.Verify(
            (graph, v) => Normalize(graph, v, outputs: 3).Set("training_mode", 1).Set("momentum", 0f).Output,
            [GradientCheck.Draw([8, 3, 4, 3], seed: 3, offset: 5), GradientCheck.Draw([3], seed: 4), GradientCheck.Draw([3], seed: 5)]);

    [TestMethod]
    public void Matches_differences_with_stored_statistics() =>
        GradientCheck.Verify((graph, v) => Normalize(graph, v, outputs: 1).Output, [2, 3, 3, 2], [3], [3]);

    [TestMethod]
    public void Refuses_training_mode_with_momentum() =>
        Assert.ThrowsExactly<GradientException>(() =>
            GradientCheck.Verify((graph, v) => Normalize(graph, v, outputs: 3).Set("training_mode", 1).Output, [2, 3, 2, 2], [3], [3]));

    [TestMethod]
    public void Brings_out_mean_and_variance_of_the_batch()
    {
        Model model = Model.Create("m", opset: 17, irVersion: 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 2, 3, 1, 2));
        Value[] scaleAndShift = [model.Graph.AddInitializer("gamma", Tensor.Vector(1f, 1f, 1f)), model.Graph.AddInitializer("beta", Tensor.Vector(0f, 0f, 0f))];
        model.Graph.AddOutput(Normalize(model.Graph, [x, .. scaleAndShift], outputs: 1).Output);

        IReadOnlyList<TrackedStatistic> tracked = BatchStatistics.Attach(model);

        using Inference.ModelSession session = Inference.ModelSession.Open(model);
        IReadOnlyList<Tensor> results = session.Run([Tensor.Create([2, 3, 1, 2], [1f, 3, 0, 0, 2, 4, 5, 7, 0, 0, 6, 8])]);
        CollectionAssert.AreEqual(new[] { "mean", "variance" }, tracked.Select(statistic => statistic.Stored).ToArray());
        CollectionAssert.AreEqual(new[] { 4f, 0, 5 }, results[1].ToSingles());
        CollectionAssert.AreEqual(new[] { 5f, 0, 5 }, results[2].ToSingles());
    }

    private static Node Normalize(Graph graph, Value[] v, int outputs) =>
        graph.AddNode("BatchNormalization", [v[0], v[1], v[2], graph.AddInitializer("mean", Mean), graph.AddInitializer("variance", Variance)], outputs);
}
