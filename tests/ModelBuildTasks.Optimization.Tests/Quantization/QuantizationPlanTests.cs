using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

[TestClass]
public sealed class QuantizationPlanTests
{
    [TestMethod]
    public void A_later_pass_has_the_last_word_on_its_layers()
    {
        PlannedTensor tensor = new("x", 0, 1, 1f / 255, 0, "MinMax", Noise: null);
        QuantizationPlan first = new(40, [new PlannedOutput("y", 40)], [Float("conv"), Float("rnn"), Float("rnn")], [tensor]);
        QuantizationPlan second = new(null, [], [new("rnn", IsInteger: true, Reason: null), Float("rnn"), Float("other")], []);

        QuantizationPlan both = first.CompletedBy(second);

        CollectionAssert.AreEqual((string[])["conv", "rnn", "rnn", "other"], both.Layers.Select(layer => layer.Name).ToArray());
        CollectionAssert.AreEqual((bool[])[false, true, false, false], both.Layers.Select(layer => layer.IsInteger).ToArray());
        Assert.IsNull(both.SignalToNoise);
        Assert.AreSame(tensor, both.Tensors.Single());
    }

    [TestMethod]
    public void Dynamic_quantization_tells_of_each_layer()
    {
        Model model = Model.Create("products", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 512));
        Value large = model.Graph.AddNode("MatMul", [x, model.Graph.AddInitializer("w", Weights.Uniform(new Random(1), [512, 512]))], name: "large").Output;
        model.Graph.AddOutput(model.Graph.AddNode("MatMul", [large, model.Graph.AddInitializer("v", Weights.Uniform(new Random(2), [512, 2]))], name: "small").Output);

        QuantizationPlan plan = new DynamicQuantization().Apply(model, new PassContext(TargetProfiles.Cpu)).Plan!;

        Assert.IsTrue(plan.Layers.Single(layer => layer.Name == "MatMul 'large'") is { IsInteger: true, WeightBits: 7, Reason: null });
        Assert.IsTrue(plan.Layers.Single(layer => layer.Name == "MatMul 'small'") is { IsInteger: false, Reason.Length: > 0 });
    }

    private static PlannedLayer Float(string name) => new(name, IsInteger: false, "it would be slower");
}
