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

    /// <summary>uint8 with the zero point 0 does the work of a Relu.</summary>
    [TestMethod]
    public void Knows_the_zero_point()
    {
        GradientModel gradient = Build(Tensor.Scalar(0.1f), Tensor.Scalar((byte)0));
        CollectionAssert.AreEqual(new[] { 1f, 0, 3, 0, 0, 0 }, Gradient(gradient));
    }

    [TestMethod]
    [DataRow(0.1f, DisplayName = "inside, and beyond both ends")]
    [DataRow(0.7f, DisplayName = "beyond one end")]
    [DataRow(5f, DisplayName = "inside")]
    public void Gives_a_scale_that_a_pair_shares_the_gradient_of_learned_step_sizes(float scale)
    {
        GradientModel gradient = BuildShared(Tensor.Scalar(scale), Tensor.Scalar((sbyte)3), axis: 1);
        Assert.AreEqual(LearnedStepSize(Enumerable.Range(0, 6), scale, zeroPoint: 3), ScaleGradient(gradient, Tensor.Scalar(scale))[0], 1e-3f);
    }

    [TestMethod]
    public void Gives_the_scale_of_each_channel_its_own_gradient()
    {
        Tensor scales = Tensor.Vector(0.1f, 0.03f, 5f);
        GradientModel gradient = BuildShared(scales, Tensor.Vector((sbyte)0, (sbyte)1, (sbyte)-2), axis: 1);
        float[] expected = [LearnedStepSize([0, 3], 0.1f, 0), LearnedStepSize([1, 4], 0.03f, 1), LearnedStepSize([2, 5], 5, -2)];
        float[] actual = ScaleGradient(gradient, scales);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.AreEqual(expected[i], actual[i], 2e-3f);
        }
    }

    /// <summary>y = (q − z)·s: a scale of fixed integers has an ordinary derivative.</summary>
    [TestMethod]
    public void Gives_the_scale_of_stored_integers_its_gradient()
    {
        Model model = Model.Create("stored", opset: 17, irVersion: 8);
        Graph graph = model.Graph;
        Value s = graph.AddInitializer("scale", Tensor.Vector(0.5f, 2f));
        Value restored = graph.AddNode("DequantizeLinear", [graph.AddInitializer("q", Tensor.Create([2, 3], new sbyte[] { 1, 2, 3, 4, 5, 6 })), s]).Set("axis", 0).Output;
        GradientModel gradient = Build(model, restored, ["scale"]);
        using ModelSession session = ModelSession.Open(gradient.Model);
        CollectionAssert.AreEqual(new[] { 1f + 4 + 9, 16f + 25 + 36 }, session.Run([Tensor.Vector(0.5f, 2f)])[1].ToSingles());
    }

    /// <summary>A transposition of the integers, as static quantization writes it.</summary>
    [TestMethod]
    public void Passes_operators_that_move_the_integers()
    {
        Model model = Model.Create("moved", opset: 17, irVersion: 8);
        Graph graph = model.Graph;
        Value w = graph.AddInitializer("w", Weights), s = graph.AddInitializer("scale", Tensor.Scalar(0.1f)), z = graph.AddInitializer("zero", Tensor.Scalar((sbyte)0));
        Value moved = graph.AddNode("Transpose", [graph.Add("QuantizeLinear", w, s, z)]).Set("perm", [1L, 0L]).Output;
        Value back = graph.AddNode("Transpose", [graph.Add("DequantizeLinear", moved, s, z)]).Set("perm", [1L, 0L]).Output;
        GradientModel gradient = Build(model, back, ["w", "scale"]);
        CollectionAssert.AreEqual(new[] { 1f, 2, 0, 0, 5, 0 }, Gradient(gradient, Tensor.Scalar(0.1f)));
        Assert.AreEqual(LearnedStepSize(Enumerable.Range(0, 6), 0.1f, zeroPoint: 0), ScaleGradient(gradient, Tensor.Scalar(0.1f))[0], 1e-3f);
    }

    [TestMethod]
    public void Refuses_a_pair_of_different_scales()
    {
        Model model = Model.Create("different", opset: 17, irVersion: 8);
        Graph graph = model.Graph;
        Value z = graph.AddInitializer("zero", Tensor.Scalar((sbyte)0));
        Value quantized = graph.Add("QuantizeLinear", graph.AddInitializer("w", Weights), graph.AddInitializer("scale", Tensor.Scalar(0.1f)), z);
        Value restored = graph.Add("DequantizeLinear", quantized, graph.AddInitializer("other", Tensor.Scalar(0.2f)), z);
        Assert.ThrowsExactly<GradientException>(() => Build(model, restored, ["w"]));
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

    /// <summary>Σ g·(q − z − w/s) inside the range and Σ g·(q − z) outside, with the gradient 1, 2, … of the elements.</summary>
    private static float LearnedStepSize(IEnumerable<int> elements, float scale, int zeroPoint)
    {
        double sum = 0;
        foreach (int element in elements)
        {
            double steps = (double)Weights.Span<float>()[element] / scale;
            double code = Math.Clamp(Math.Round(steps) + zeroPoint, sbyte.MinValue, sbyte.MaxValue);
            bool isInside = steps + zeroPoint > sbyte.MinValue && steps + zeroPoint <= sbyte.MaxValue;
            sum += (element + 1) * (code - zeroPoint - (isInside ? steps : 0));
        }

        return (float)sum;
    }

    private static GradientModel BuildShared(Tensor scale, Tensor zeroPoint, int axis) => Build(scale, zeroPoint, axis, ["w", "scale"]);

    private static GradientModel Build(Tensor scale, Tensor zeroPoint, int axis = 1, string[]? parameters = null)
    {
        Model model = Model.Create("pair", opset: 17, irVersion: 8);
        Graph graph = model.Graph;
        Value w = graph.AddInitializer("w", Weights), s = graph.AddInitializer("scale", scale), z = graph.AddInitializer("zero", zeroPoint);
        Value quantized = graph.AddNode("QuantizeLinear", [w, s, z]).Set("axis", axis).Output;
        return Build(model, graph.AddNode("DequantizeLinear", [quantized, s, z]).Set("axis", axis).Output, parameters ?? ["w"]);
    }

    private static GradientModel Build(Model model, Value restored, string[] parameters)
    {
        Graph graph = model.Graph;
        Value product = graph.Add("Mul", restored, graph.AddInitializer("factors", Tensor.Create([2, 3], [1f, 2, 3, 4, 5, 6])));
        Value loss = graph.AddNode("ReduceSum", [product]).Set("keepdims", 0).Output;
        graph.AddOutput(loss);
        return GradientBuilder.Build(model, loss.Name, parameters, []);
    }

    private static float[] Gradient(GradientModel gradient, params Tensor[] scale)
    {
        using ModelSession session = ModelSession.Open(gradient.Model);
        return session.Run([Weights, .. scale])[1].ToSingles();
    }

    private static float[] ScaleGradient(GradientModel gradient, Tensor scale)
    {
        using ModelSession session = ModelSession.Open(gradient.Model);
        return session.Run([Weights, scale])[2].ToSingles();
    }
}
