using ModelBuildTasks.Inference;
using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Inputs;
using ModelBuildTasks.Worker.Pipeline;

namespace ModelBuildTasks.Worker.Tests.Pipeline;

[TestClass]
public sealed class TrialInputsTests
{
    [TestMethod]
    [DataRow(1L << 30, 1L << 30)]
    [DataRow(1L << 22, 1L)]
    public void An_input_that_is_too_large_is_not_drawn(long rows, long columns)
    {
        Model model = Model.Create("g", 17, 8);
        model.Graph.AddOutput(model.Graph.Add("Shape", model.Graph.AddInput("x", new TensorType(ElementType.Double, rows, columns, 64))));
        using ModelSession session = ModelSession.Open(model);

        Assert.IsEmpty(TrialInputs.For(session, data: null));
    }

    [TestMethod]
    public void Bytes_that_a_model_scales_itself_are_drawn_in_the_size_that_it_resizes_to()
    {
        using ModelSession session = ModelSession.Open(Preprocessed("""{ "resize": "Stretch", "imageSize": [6, 8] }""", ["N", 3, "height", "width"]));

        Tensor drawn = TrialInputs.For(session, data: null).Single().Single();

        CollectionAssert.AreEqual(new long[] { 1, 6, 8, 3 }, drawn.Dimensions.ToArray());
        Assert.IsGreaterThan(100, drawn.Data.ToArray().Distinct().Count());
    }

    [TestMethod]
    public void Bytes_that_may_be_tokens_are_zeros()
    {
        Model model = Model.Create("g", 17, 8);
        model.Graph.AddOutput(model.Graph.Add("Identity", model.Graph.AddInput("x", new TensorType(ElementType.UInt8, 1, 64))));
        using ModelSession session = ModelSession.Open(model);

        Assert.IsTrue(TrialInputs.For(session, data: null).Single().Single().Data.ToArray().All(value => value == 0));
    }

    private static Model Preprocessed(string description, Dimension[] shape)
    {
        Model model = Model.Create("g", 17, 8);
        model.Graph.AddOutput(model.Graph.Add("Identity", model.Graph.AddInput("x", new TensorType(ElementType.Float, shape))));
        string path = Path.GetTempFileName();
        File.WriteAllText(path, description);
        Assert.IsNull(InputPreprocessing.Apply(model, Preprocessing.Load(path, InputPreprocessing.InputsOf(model))));
        File.Delete(path);
        return model;
    }
}
