using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

/// <summary>Models in which some layers are between integers already, and their weights are not.</summary>
[TestClass]
public sealed class ArrivedQuantizationTests
{
    private const double Tolerance = 0.05;

    private readonly SmallNetwork network = new();

    [TestMethod]
    public void A_layer_takes_the_integers_that_the_model_brought()
    {
        Value arrived = Bring(network.Input, 1f / 100, zero: 128);
        network.Classify(network.Convolve(network.Convolve(arrived, "a"), "b"));

        Assert.IsLessThan(Tolerance, network.QuantizationError());

        Assert.AreSame(arrived, network.Graph.Nodes.Single(node => node.Name == "a").Inputs[0]);
        AssertNothingDoubled();
    }

    [TestMethod]
    public void A_layer_leaves_its_result_to_the_quantization_behind_it()
    {
        Value between = Bring(network.Graph.Add("Relu", network.Convolve(Bring(network.Input, 1f / 100, zero: 128), "a")), 1f / 80, zero: 0);
        network.Classify(network.Convolve(between, "b"));

        Assert.IsLessThan(Tolerance, network.QuantizationError());

        AssertNothingDoubled();
        Assert.AreEqual(2, OptimizedGraph.Operators(network.Model)["QLinearConv"]);
    }

    [TestMethod]
    public void A_layer_stays_in_float_where_the_integers_behind_it_do_not_do_the_work_of_its_relu()
    {
        Value between = Bring(network.Graph.Add("Relu", network.Convolve(Bring(network.Input, 1f / 100, zero: 128), "a")), 1f / 80, zero: 10);
        network.Classify(network.Convolve(between, "b"));

        PassOutcome outcome = network.Quantize();

        PlannedLayer layer = outcome.Plan!.Layers.Single(layer => layer.Name == "Conv 'a'");
        Assert.IsFalse(layer.IsInteger);
        StringAssert.Contains(layer.Reason, "do the work of its Relu");
    }

    [TestMethod]
    public void Integers_of_another_type_are_not_taken_for_the_targets()
    {
        network.Classify(network.Convolve(Bring(network.Input, 1f / 100, zero: 128), "a"));
        Assert.IsLessThan(Tolerance, network.QuantizationError(TargetProfiles.TensorRt));
        Assert.AreEqual(ElementType.Int8, network.Graph.Nodes.Single(node => node.Name == "a").Inputs[0]!.Producer!.Inputs[2]!.Constant!.ElementType);
    }

    private void AssertNothingDoubled() =>
        Assert.IsFalse(network.Graph.Nodes.Any(node => node.OpType == "QuantizeLinear" && node.Inputs[0]!.Producer?.OpType == "DequantizeLinear"));

    private Value Bring(Value value, float scale, byte zero)
    {
        Value step = network.Graph.AddInitializer("s", Tensor.Scalar(scale));
        Value zeroPoint = network.Graph.AddInitializer("z", Tensor.Scalar(zero));
        return network.Graph.Add("DequantizeLinear", network.Graph.Add("QuantizeLinear", value, step, zeroPoint), step, zeroPoint);
    }
}
