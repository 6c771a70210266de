using ModelBuildTasks.Contracts;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

[TestClass]
public sealed class OpaqueModelTests
{
    [TestMethod]
    public void A_model_that_gives_a_sequence_passes_through_with_the_reason()
    {
        using Workplace place = Workplace.With(Sequence(isOutput: true));

        OptimizationResult result = Workplace.Run(place.Request());

        Assert.IsTrue(result.Succeeded);
        CollectionAssert.AreEqual(File.ReadAllBytes(place.ModelPath), File.ReadAllBytes(place.OutputPath));
        Assert.Contains("is no dense tensor", result.Diagnostics.Single(diagnostic => diagnostic.Code == "MBT1001").Message);
    }

    [TestMethod]
    public void A_sequence_inside_a_model_is_no_obstacle()
    {
        using Workplace place = Workplace.With(Sequence(isOutput: false));

        Assert.IsTrue(Workplace.Run(place.Request()).Succeeded);
    }

    /// <summary>Puts a constant into a sequence, and adds it to x unless the sequence itself is the output.</summary>
    private static Model Sequence(bool isOutput)
    {
        Model model = Model.Create("sequence", 17, 8);
        Graph graph = model.Graph;
        Value x = graph.AddInput("x", new TensorType(ElementType.Float, 1, 2));
        Value sequence = graph.Add("SequenceConstruct", isOutput ? x : graph.AddInitializer("c", Tensor.Create([1, 2], new[] { 1f, 2f })));
        graph.AddOutput(isOutput
            ? sequence
            : graph.Add("Add", x, graph.AddNode("ConcatFromSequence", [sequence]).Set("axis", 0L).Output));
        return model;
    }
}
