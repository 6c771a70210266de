using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Training;

namespace ModelBuildTasks.Optimization.Tests.Training;

/// <summary>A staircase has no useful differences, so the estimate is compared with what it is defined to be.</summary>
[TestClass]
public sealed class QuantizeLinearGradientTests
{
    private static readonly Tensor Weights = Tensor.Create([2, 3], [0.3f, -12.6f, 12.9f, 99f, -0.01f, -12.9f]);

    /// <summary>int8 with a scale of 0.1 spans −12.8 to 12.7.</summary>
    [TestMethod]
    public void Passes_the_gradient_inside_the_range_and_none_outside()
    {
        GradientModel gradient = Build(Tensor.Scalar(0.1f), Tensor.Scalar((sbyte)0));
        CollectionAssert.AreEqual(new[] { 1f, 2, 0, 0, 5, 0 }, Gradient(gradient));
    }

    [TestMethod]
    public void Knows_the_range_of_each_channel()
    {
        GradientModel gradient = Build(Tensor.Vector(0.1f, 1f), Tensor.Vector((sbyte)0, (sbyte)0), axis: 0);
        CollectionAssert.AreEqual(new[] { 1f, 2, 0, 4, 5, 6 }, Gradient(gradient));
    }

    [TestMethod]
    public void Knows_the_zero_point()
    {
        GradientModel gradient = Build(Tensor.Scalar(0.1f), Tensor.Scalar((byte)0));
        CollectionAssert.AreEqual(new[] { 1f, 0, 3, 0, 5, 0 }, Gradient(gradient));
    }

    [TestMethod]
    public void Says_that_the_scale_is_not_trained()
    {
        GradientModel gradient = Build(Tensor.Scalar(0.1f), Tensor.Scalar((sbyte)0), parameters: ["w", "scale"]);
        CollectionAssert.AreEqual(new[] { "w" }, gradient.Parameters.ToArray());
        Assert.IsTrue(gradient.Gaps.All(gap => gap.Parameters.Single() == "scale"));
    }

    [TestMethod]
    public void Refuses_what_is_not_dequantized_again()
    {
        Model model = Model.Create("alone", opset: 17, irVersion: 8);
        Graph graph = model.Graph;
        Value quantized = graph.Add("QuantizeLinear", graph.AddInitializer("w", Weights), graph.AddInitializer("scale", Tensor.Scalar(0.1f)), graph.AddInitializer("zero", Tensor.Scalar((sbyte)0)));
        Value loss = graph.AddNode("ReduceSum", [graph.AddNode("Cast", [quantized]).Set("to", (long)ElementType.Float).Output]).Set("keepdims", 0).Output;
        graph.AddOutput(loss);
        Assert.ThrowsExactly<GradientException>(() => GradientBuilder.Build(model, loss.Name, ["w"], []));
    }

    private static GradientModel Build(Tensor scale, Tensor zeroPoint, int axis = 1, string[]? parameters = null)
    {
        Model model = Model.Create("pair", opset: 17, irVersion: 8);
        Graph graph = model.Graph;
        Value w = graph.AddInitializer("w", Weights), s = graph.AddInitializer("scale", scale), z = graph.AddInitializer("zero", zeroPoint);
        Value quantized = graph.AddNode("QuantizeLinear", [w, s, z]).Set("axis", axis).Output;
        Value restored = graph.AddNode("DequantizeLinear", [quantized, s, z]).Set("axis", axis).Output;
        Value product = graph.Add("Mul", restored, graph.AddInitializer("factors", Tensor.Create([2, 3], [1f, 2, 3, 4, 5, 6])));
        Value loss = graph.AddNode("ReduceSum", [product]).Set("keepdims", 0).Output;
        graph.AddOutput(loss);
        return GradientBuilder.Build(model, loss.Name, parameters ?? ["w"], []);
    }

    private static float[] Gradient(GradientModel gradient)
    {
        using ModelSession session = ModelSession.Open(gradient.Model);
        return session.Run([Weights])[1].ToSingles();
    }
}
