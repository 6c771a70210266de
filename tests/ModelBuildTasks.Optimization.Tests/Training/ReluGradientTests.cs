using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class ReluGradientTests
{
    [TestMethod]
    public void Matches_differences() => GradientCheck.Verify((graph, v) => graph.Add("Relu", v[0]), [3, 7]);

    [TestMethod]
    public void Passes_all_of_the_gradient_at_the_smallest_and_the_largest_numbers()
    {
        Model model = Model.Create("relu", opset: 17, irVersion: 8);
        Value weight = model.Graph.AddInitializer("w", Tensor.Vector([1e-30f, 1e-10f, float.MaxValue, float.PositiveInfinity, 0f, -1e-30f, float.MinValue]));
        Value loss = model.Graph.AddNode("ReduceSum", [model.Graph.Add("Relu", weight)]).Set("keepdims", 0).Output;
        GradientModel gradient = GradientBuilder.Build(model, loss.Name, ["w"], []);
        using ModelSession session = ModelSession.Open(gradient.Model);
        CollectionAssert.AreEqual(new[] { 1f, 1, 1, 1, 0, 0, 0 }, session.Run([weight.Initializer!])[^1].ToSingles());
    }
}
