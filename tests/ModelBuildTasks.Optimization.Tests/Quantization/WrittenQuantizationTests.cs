using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.WeightOnly;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

[TestClass]
public sealed class WrittenQuantizationTests
{
    [TestMethod]
    public void Tells_of_an_own_artifact_what_its_plan_does()
    {
        SmallNetwork network = new();
        network.Classify(network.Convolve(network.Graph.Add("Relu", network.Convolve(network.Input, "a")), "b"));

        QuantizationPlan planned = network.Quantize().Plan!;
        QuantizationPlan written = WrittenQuantization.Read(network.Model)!;

        CollectionAssert.AreEqual(
            planned.Layers.Select(layer => (layer.Name, layer.IsInteger, layer.WeightBits)).ToArray(),
            written.Layers.Select(layer => (layer.Name, layer.IsInteger, layer.WeightBits)).ToArray());
        PlannedTensor input = planned.Tensors.Single(tensor => tensor.Name == "x");
        PlannedTensor found = written.Tensors.Single(tensor => tensor.Name == "x");
        Assert.AreEqual((input.Lowest, input.Highest, input.Scale, input.ZeroPoint), (found.Lowest, found.Highest, found.Scale, found.ZeroPoint));
    }

    [TestMethod]
    public void A_float_model_has_no_plan()
    {
        SmallNetwork network = new();
        network.Classify(network.Convolve(network.Input, "a"));

        Assert.IsNull(WrittenQuantization.Read(network.Model));
    }

    [TestMethod]
    public void Packed_weights_are_not_integers_of_the_whole_layer()
    {
        Model model = Product();
        new WeightOnlyQuantization(new BlockFormat(4, 32, IsSymmetric: true)).Apply(model, new PassContext(TargetProfiles.CpuX64));

        PlannedLayer layer = WrittenQuantization.Read(model)!.Layers.Single();

        Assert.IsFalse(layer.IsInteger);
        Assert.AreEqual(4, layer.WeightBits);
        Assert.AreEqual("its weights alone are integers", layer.Reason);
    }

    [TestMethod]
    public void Ranges_that_are_measured_at_each_run_are_no_fixed_tensors()
    {
        Model model = Product();
        Assert.IsTrue(new DynamicQuantization().Apply(model, new PassContext(TargetProfiles.CpuX64)).Changed);

        QuantizationPlan plan = WrittenQuantization.Read(model)!;

        Assert.IsTrue(plan.Layers.Single() is { IsInteger: true, WeightBits: 8 });
        Assert.IsEmpty(plan.Tensors);
    }

    [TestMethod]
    [DataRow("micro_kws_m_qdq.onnx")]
    [DataRow("micro_kws_m_qoperator_softmax.onnx")]
    public void Reads_what_other_tools_wrote(string name)
    {
        QuantizationPlan plan = WrittenQuantization.Read(Model.Load(RealModels.Require(name)))!;

        Assert.HasCount(6, plan.Layers);
        Assert.IsTrue(plan.Layers.All(layer => layer is { IsInteger: true, WeightBits: 8 }));
        Assert.IsGreaterThan(10, plan.Tensors.Count);
        Assert.IsTrue(plan.Tensors.All(tensor => tensor.Scale > 0 && tensor.Lowest <= 0 && tensor.Highest >= 0));
    }

    private static Model Product()
    {
        Model model = Model.Create("product", 13, 7);
        Value x = model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 512));
        model.Graph.AddOutput(model.Graph.Add("MatMul", x, model.Graph.AddInitializer("w", Weights.Uniform(new Random(1), [512, 512]))));
        return model;
    }
}
