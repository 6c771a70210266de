using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Worker.Pipeline;
using ModelBuildTasks.Worker.Tests.Infra;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

[TestClass]
public sealed class VerificationTests
{
    [TestMethod]
    public void Accepts_the_same_function() => Assert.IsNull(Check(_ => { }));

    [TestMethod]
    public void Accepts_other_values() => Assert.IsNull(Check(model => EditingPass.ReplaceScores(model, (graph, scores) => graph.Add("Neg", scores))));

    [TestMethod]
    public void Refuses_a_missing_output()
    {
        using ModelSession original = ModelSession.Open(Edited(model => model.Graph.AddOutput(model.Graph.Add("Neg", model.Graph.Outputs[0]))));
        using ModelSession artifact = ModelSession.Open(SmallModels.Mlp());

        Assert.AreEqual("it has 1 outputs instead of 2", Verification.Check(original, artifact, TrialInputs.For(original, null)));
    }

    [TestMethod]
    public void Refuses_an_output_of_another_name() => StringAssert.Contains(Check(model => model.Graph.Outputs[0].Name = "other"), "other: Float");

    [TestMethod]
    public void Refuses_an_output_of_another_element_type() => StringAssert.Contains(
        Check(model => EditingPass.ReplaceScores(model, (graph, scores) => Typed(graph.AddNode("Cast", [scores]).Set("to", (long)ElementType.Double).Output, ElementType.Double))),
        "Double");

    [TestMethod]
    public void Refuses_an_output_of_another_shape() => StringAssert.Contains(
        Check(model => EditingPass.ReplaceScores(model, (graph, scores) => Typed(graph.AddNode("Concat", [scores, scores]).Set("axis", 1L).Output, ElementType.Float))),
        "output 'scores' has the shape Float[1, 8] instead of Float[1, 4]");

    [TestMethod]
    [DataRow(float.NaN)]
    [DataRow(float.PositiveInfinity)]
    public void Refuses_outputs_that_are_no_numbers_where_the_original_has_some(float value) => Assert.AreEqual(
        "output 'scores' has infinite or undefined values",
        Check(model => EditingPass.ReplaceScores(model, (graph, scores) => graph.Add("Add", scores, graph.AddInitializer("bad", Tensor.Scalar(value))))));

    [TestMethod]
    public void Accepts_undefined_outputs_that_the_original_has_too()
    {
        using ModelSession undefined = ModelSession.Open(Edited(model =>
            EditingPass.ReplaceScores(model, (graph, scores) => graph.Add("Add", scores, graph.AddInitializer("bad", Tensor.Scalar(float.NaN))))));

        Assert.IsNull(Verification.Check(undefined, undefined, TrialInputs.For(undefined, null)));
    }

    private static string? Check(Action<Model> edit)
    {
        using ModelSession original = ModelSession.Open(SmallModels.Mlp());
        using ModelSession artifact = ModelSession.Open(Edited(edit));
        return Verification.Check(original, artifact, TrialInputs.For(original, null));
    }

    private static Model Edited(Action<Model> edit)
    {
        Model model = SmallModels.Mlp();
        edit(model);
        return model;
    }

    // A shape that is stated would have to be right; one that is left open is found at the run.
    private static Value Typed(Value value, ElementType type)
    {
        value.Type = new TensorType(type, [new Dimension(null, "N"), new Dimension(null, "M")]);
        return value;
    }
}
