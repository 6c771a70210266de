using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
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
}
