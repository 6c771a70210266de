using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

[TestClass]
public sealed class GradientBuilderTests
{
    [TestMethod]
    public void Names_an_operator_without_a_rule()
    {
        GradientException exception = Assert.ThrowsExactly<GradientException>(() => GradientCheck.Verify((graph, v) => graph.Add("Erf", v[0]), [3]));
        StringAssert.Contains(exception.Message, "Erf", StringComparison.Ordinal);
    }

    [TestMethod]
    public void Needs_no_rule_where_no_parameter_lies_behind()
    {
        GradientCheck.Verify((graph, v) => graph.Add("Mul", v[0], graph.Add("Erf", graph.AddInitializer("fixed", Tensor.Vector(0.5f, 1, 2)))), [3]);
    }

    [TestMethod]
    public void Sums_over_every_path_of_a_residual_connection() =>
        GradientCheck.Verify((graph, v) => graph.Add("Add", v[0], graph.Add("Relu", graph.Add("MatMul", v[0], v[1]))), [2, 3], [3, 3]);

    [TestMethod]
    public void Leaves_the_forward_model_as_it_was()
    {
        Model model = Line(out Value loss);
        byte[] before = model.ToBytes();
        GradientBuilder.Build(model, loss.Name, ["w"], [Tensor.Vector(2f)]);
        CollectionAssert.AreEqual(before, model.ToBytes());
    }

    [TestMethod]
    public void Keeps_outputs_and_adds_gradients_behind_them()
    {
        Model model = Line(out Value loss);
        GradientModel gradient = GradientBuilder.Build(model, loss.Name, ["w"], [Tensor.Vector(2f)]);
        using ModelSession session = ModelSession.Open(gradient.Model);
        CollectionAssert.AreEqual(new[] { "x", "w" }, session.Inputs.Select(input => input.Name).ToArray());

        IReadOnlyList<Tensor> results = session.Run([Tensor.Vector(2f), Tensor.Vector(10f)]);

        Assert.AreEqual(20f, results[0].ToSingles()[0]);
        Assert.AreEqual(2f, results[1].ToSingles()[0]);
    }

    [TestMethod]
    public void Refuses_names_that_are_not_there()
    {
        Model model = Line(out Value loss);
        Assert.ThrowsExactly<GradientException>(() => GradientBuilder.Build(model, "nothing", ["w"], [Tensor.Vector(2f)]));
        Assert.ThrowsExactly<GradientException>(() => GradientBuilder.Build(model, loss.Name, ["nothing"], [Tensor.Vector(2f)]));
    }

    [TestMethod]
    public void Refuses_a_parameter_that_the_loss_does_not_depend_on()
    {
        Model model = Line(out Value loss);
        Value other = model.Graph.AddInitializer("other", Tensor.Vector(1f));
        model.Graph.AddOutput(model.Graph.Add("Relu", other));
        GradientException exception = Assert.ThrowsExactly<GradientException>(() => GradientBuilder.Build(model, loss.Name, ["other"], [Tensor.Vector(2f)]));
        StringAssert.Contains(exception.Message, "does not depend", StringComparison.Ordinal);
    }

    private static Model Line(out Value loss)
    {
        Model model = Model.Create("line", opset: 17, irVersion: 8);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1));
        loss = model.Graph.Add("Mul", x, model.Graph.AddInitializer("w", Tensor.Vector(3f)));
        model.Graph.AddOutput(loss);
        return model;
    }
}
