using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

/// <summary>What TensorRT's parser and kernels want, as far as a graph shows it: no engine is built here, and nothing is measured.</summary>
[TestClass]
public sealed class TensorRtTargetTests
{
    [TestMethod]
    [DoNotParallelize]
    public void A_real_model_has_symmetric_integers_in_front_of_layers_only_and_answers_alike()
    {
        QuantizationCase model = new("aka_resnet20_cifar10.onnx");
        PassOutcome outcome = model.Quantize(TargetProfiles.TensorRt);
        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Graph graph = model.Quantized.Graph;

        Assert.IsGreaterThanOrEqualTo(13, model.Quantized.Opset);
        Assert.IsTrue(graph.Nodes.All(node => node.Domain.Length == 0));
        foreach (Node node in graph.Nodes.Where(node => node.OpType is "QuantizeLinear" or "DequantizeLinear"))
        {
            Tensor zeroPoint = node.Inputs[2]!.Constant!;
            Assert.AreEqual(ElementType.Int8, zeroPoint.ElementType, node.Name);
            Assert.IsTrue(zeroPoint.Span<sbyte>().ToArray().All(zero => zero == 0), node.Name);
        }

        Node[] readers = [.. graph.Nodes.Where(node => node.OpType == "DequantizeLinear").SelectMany(node => node.Output.Uses).Select(use => use.Node).Distinct()];
        Assert.IsTrue(readers.All(node => node.OpType is "Conv" or "Gemm" or "MatMul"), string.Join(", ", readers.Select(node => node.OpType).Distinct()));
        Assert.IsTrue(readers.All(node => node.Input(2) is null || node.Input(2)!.Constant!.ElementType == ElementType.Float));
        Agreement agreement = model.Compare();
        Console.WriteLine(agreement);
        Assert.IsGreaterThanOrEqualTo(0.9, agreement.Top1);
    }

    [TestMethod]
    public void A_product_of_fewer_than_16_results_stays_in_float()
    {
        SmallNetwork network = new();
        network.Classify(network.Convolve(network.Input, "a"));
        PassOutcome outcome = network.Quantize(TargetProfiles.TensorRt);
        Assert.IsTrue(outcome.Refusals.Any(reason => reason.StartsWith("Gemm 'classes' stays in float: 'tensorrt' gains nothing from products of fewer than 16", StringComparison.Ordinal)), string.Join("\n", outcome.Refusals));
        Assert.AreEqual(ElementType.Float, network.Graph.Nodes.Single(node => node.OpType == "Gemm").Inputs[1]!.Constant!.ElementType);
    }
}
