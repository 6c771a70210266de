using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class SelectionGradientTests
{
    [TestMethod]
    public void Matches_differences_of_gather_with_repeated_and_negative_indices()
    {
        Tensor indices = Tensor.Create([2, 3], [0L, 3, 3, -1, 2, 0]);
        for (int axis = 0; axis < 3; axis++)
        {
            GradientCheck.Verify((graph, v) => graph.AddNode("Gather", [v[0], graph.AddInitializer("indices", indices)]).Set("axis", axis).Output, [4, 5, 4]);
        }

        GradientCheck.Verify((graph, v) => graph.Add("Gather", v[0], graph.AddInitializer("index", Tensor.Scalar(-2L))), [4, 3]);
    }

    [TestMethod]
    public void Matches_differences_of_gather_elements() =>
        GradientCheck.Verify(
            (graph, v) => graph.AddNode("GatherElements", [v[0], graph.AddInitializer("indices", Tensor.Create([2, 4], [0L, 3, 3, -1, 2, 0, 1, 1]))]).Set("axis", 1).Output,
            [3, 4]);

    [TestMethod]
    public void Matches_differences_of_gather_nd()
    {
        GradientCheck.Verify((graph, v) => graph.Add("GatherND", v[0], graph.AddInitializer("indices", Tensor.Create([3, 2], [0L, 1, -1, 2, 0, 1]))), [2, 3, 4]);
        GradientCheck.Verify(
            (graph, v) => graph.AddNode("GatherND", [v[0], graph.AddInitializer("indices", Tensor.Create([2, 1], [1L, 0]))]).Set("batch_dims", 1).Output,
            [2, 3, 4]);
    }

    [TestMethod]
    [DataRow(1, -1, 2, 1)]
    [DataRow(0, 100, 1, 3)]
    [DataRow(-1, -100, 0, -2)]
    [DataRow(1, 4, -1, 1)]
    [DataRow(100, -100, 2, -1)]
    [DataRow(-4, 5, 2, 2)]
    [DataRow(-100, 3, 0, 1)]
    public void Matches_differences_of_slice(int start, int end, int axis, int step) =>
        GradientCheck.Verify(
            (graph, v) => graph.Add(
                "Slice",
                v[0],
                graph.AddInitializer("starts", Tensor.Vector((long)start)),
                graph.AddInitializer("ends", Tensor.Vector((long)end)),
                graph.AddInitializer("axes", Tensor.Vector((long)axis)),
                graph.AddInitializer("steps", Tensor.Vector((long)step))),
            [5, 4, 6]);

    [TestMethod]
    public void Matches_differences_of_slice_along_several_axes() =>
        GradientCheck.Verify(
            (graph, v) => graph.Add(
                "Slice",
                v[0],
                graph.AddInitializer("starts", Tensor.Vector(1, -1, 0)),
                graph.AddInitializer("ends", Tensor.Vector(4, 0, 6)),
                graph.AddInitializer("axes", Tensor.Vector(0, 1, -1)),
                graph.AddInitializer("steps", Tensor.Vector(1, -2, 2))),
            [5, 4, 6]);

    [TestMethod]
    public void Matches_differences_of_slice_by_computed_bounds() =>
        GradientCheck.Verify(
            (graph, v) => graph.Add("Slice", v[0], graph.Add("Abs", graph.AddInitializer("starts", Tensor.Vector(-1L))), graph.AddInitializer("ends", Tensor.Vector(3L))),
            [4, 3]);

    [TestMethod]
    public void Matches_differences_of_tile() =>
        GradientCheck.Verify((graph, v) => graph.Add("Tile", v[0], graph.AddInitializer("repeats", Tensor.Vector(2L, 1, 3))), [2, 3, 2]);

    [TestMethod]
    [DataRow(0)]
    [DataRow(1)]
    public void Matches_differences_of_the_largest_and_smallest(int largest) =>
        GradientCheck.Verify(
            (graph, v) => graph.AddNode("TopK", [v[0], graph.AddInitializer("count", Tensor.Vector(2L))], outputCount: 2).Set("axis", 1).Set("largest", largest).Output,
            [RandomShapes.Distinct([2, 4, 3], seed: 1)]);

    [TestMethod]
    public void Matches_differences_of_triangles_and_reversed_sequences()
    {
        GradientCheck.Verify((graph, v) => graph.AddNode("Trilu", [v[0], graph.AddInitializer("k", Tensor.Scalar(1L))]).Set("upper", 0).Output, [2, 3, 4]);
        GradientCheck.Verify((graph, v) => graph.Add("ReverseSequence", v[0], graph.AddInitializer("lengths", Tensor.Vector(2L, 4, 1))), [4, 3, 2]);
    }

    [TestMethod]
    public void Is_there_in_operator_set_13_too()
    {
        Model model = Model.Create("old", opset: 13, irVersion: 7);
        Graph graph = model.Graph;
        Value weight = graph.AddInitializer("w", Tensor.Vector(1f, 2));
        Value loss = graph.Add("Gather", weight, graph.AddInitializer("index", Tensor.Scalar(1L)));
        graph.AddOutput(loss);

        GradientModel gradient = GradientBuilder.Build(model, loss.Name, ["w"], []);

        using Inference.ModelSession session = Inference.ModelSession.Open(gradient.Model);
        CollectionAssert.AreEqual(new[] { 0f, 1 }, session.Run([weight.Initializer!])[1].ToSingles());
    }
}
