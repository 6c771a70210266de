using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning;
using ModelBuildTasks.Optimization.Tests.Quantization;

namespace ModelBuildTasks.Optimization.Tests.Pruning;

[TestClass]
public sealed class TwoFourPruningTests
{
    [TestMethod]
    public void Of_every_four_input_channels_of_a_filter_at_one_tap_two_are_zero()
    {
        SmallNetwork network = SampledPruning.Convolutions();

        PassOutcome outcome = new TwoFourPruning().Apply(network.Model, SampledPruning.Context(network.Samples));

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        float[] weights = MagnitudePruningTests.Weights(network.Model, "second.w");
        for (int filter = 0; filter < 32; filter++)
        {
            for (int tap = 0; tap < 9; tap++)
            {
                for (int channel = 0; channel < 32; channel += 4)
                {
                    Assert.AreEqual(2, Enumerable.Range(channel, 4).Count(c => weights[(filter * 32 + c) * 9 + tap] == 0));
                }
            }
        }
    }

    [TestMethod]
    [DataRow("MatMul", 0)]
    [DataRow("Gemm", 0)]
    [DataRow("Gemm", 1)]
    public void Of_every_four_rows_of_a_product_two_are_zero(string operation, int transposed)
    {
        const int Inputs = 64, Outputs = 24;
        SmallNetwork network = new(shape: [8, Inputs]);
        Node product = network.Graph.AddNode(operation, [network.Input, network.Weight("w", transposed == 1 ? [Outputs, Inputs] : [Inputs, Outputs])], name: "product");
        if (operation == "Gemm")
        {
            product.Set("transB", (long)transposed);
        }

        network.Output(product.Output);

        PassOutcome outcome = new TwoFourPruning().Apply(network.Model, SampledPruning.Context(network.Samples));

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        float[] weights = MagnitudePruningTests.Weights(network.Model, "w");
        for (int output = 0; output < Outputs; output++)
        {
            for (int first = 0; first < Inputs; first += 4)
            {
                Assert.AreEqual(2, Enumerable.Range(first, 4).Count(i => weights[transposed == 1 ? output * Inputs + i : i * Outputs + output] == 0));
            }
        }
    }

    [TestMethod]
    public void Grouped_convolutions_and_odd_numbers_of_channels_are_left_whole()
    {
        SmallNetwork network = SampledPruning.Convolutions(groups: 4);
        Node odd = network.Graph.AddNode("Conv", [network.Input, network.Weight("odd.w", 30, 32, 1, 1)], name: "thirty");
        Node behind = network.Graph.AddNode("Conv", [odd.Output, network.Weight("behind.w", 20, 30, 1, 1)], name: "behind");
        network.Graph.AddOutput(behind.Output);

        PassOutcome outcome = new TwoFourPruning().Apply(network.Model, SampledPruning.Context(network.Samples));

        string refusals = string.Join("\n", outcome.Refusals);
        Assert.Contains("'second' is not pruned: no sparse kernel computes a grouped convolution", refusals);
        Assert.Contains("'behind' is not pruned: its 30 input channels are no multiple of 4", refusals);
        Assert.AreEqual(0.5, SampledPruning.Sparsity(network.Model, "first.w", "odd.w"));
    }
}
