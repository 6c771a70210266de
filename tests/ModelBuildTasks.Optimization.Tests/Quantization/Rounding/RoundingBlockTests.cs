using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization;
using ModelBuildTasks.Optimization.Quantization.Calibration;
using ModelBuildTasks.Optimization.Quantization.Rounding;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Quantization.Rounding;

[TestClass]
public sealed class RoundingBlockTests
{
    [TestMethod]
    public void A_chain_is_single_layers_each_with_the_Relu_behind_it()
    {
        SmallNetwork network = SmallNetwork.Chain(3, out Node[] convolutions);

        IReadOnlyList<RoundingBlock> blocks = Find(network);

        Assert.HasCount(4, blocks);
        foreach ((Node convolution, RoundingBlock block) in convolutions.Zip(blocks))
        {
            Assert.AreEqual(convolution, block.Layers.Single().Node);
            Assert.AreEqual(convolution.Input(0), block.Entry);
            Assert.AreEqual("Relu", block.Exit.Producer!.OpType);
        }
    }

    [TestMethod]
    public void Between_fork_and_join_of_a_residual_network_lies_one_block()
    {
        SmallNetwork network = new();
        Value fork = network.Graph.Add("Relu", network.Convolve(network.Input, "stem"));
        Value inner = network.Graph.Add("Relu", network.Convolve(fork, "first"));
        Value join = network.Graph.Add("Relu", network.Graph.Add("Add", network.Convolve(inner, "second"), fork));
        network.Classify(join);

        IReadOnlyList<RoundingBlock> blocks = Find(network);

        CollectionAssert.AreEqual(new[] { "stem", "first second", "classes" }, blocks.Select(Names).ToArray());
        Assert.AreEqual((fork, join), (blocks[1].Entry, blocks[1].Exit));
        CollectionAssert.AreEqual(new[] { "Conv", "Relu", "Conv", "Add", "Relu" }, blocks[1].Nodes.Select(node => node.OpType).ToArray());
    }

    [TestMethod]
    public void A_projection_in_the_shortcut_belongs_to_the_block()
    {
        SmallNetwork network = new();
        Value fork = network.Graph.Add("Relu", network.Convolve(network.Input, "stem"));
        Value main = network.Convolve(network.Graph.Add("Relu", network.Convolve(fork, "first")), "second");
        network.Classify(network.Graph.Add("Relu", network.Graph.Add("Add", main, network.Convolve(fork, "shortcut"))));

        CollectionAssert.AreEqual(new[] { "stem", "first second shortcut", "classes" }, Find(network).Select(block => string.Join(' ', Names(block).Split(' ').Order())).ToArray());
    }

    [TestMethod]
    public void Where_another_value_reaches_in_or_there_would_be_too_many_layers_stand_alone()
    {
        SmallNetwork network = new();
        Value other = network.Graph.Add("Relu", network.Convolve(network.Input, "other"));
        Value fork = other;
        for (int i = 0; i < 6; i++)
        {
            fork = network.Graph.Add("Relu", network.Convolve(fork, $"stem{i}"));
        }

        Value inner = network.Graph.Add("Add", network.Graph.Add("Relu", network.Convolve(fork, "first")), other);
        network.Classify(network.Graph.Add("Add", network.Convolve(inner, "second"), fork));

        CollectionAssert.IsSubsetOf(new[] { "other", "stem0", "first", "second" }, Find(network).Select(Names).ToArray());
    }

    [TestMethod]
    public void Where_an_output_is_taken_from_the_inside_layers_stand_alone()
    {
        SmallNetwork network = new();
        Value fork = network.Graph.Add("Relu", network.Convolve(network.Input, "stem"));
        Value inner = network.Graph.Add("Relu", network.Convolve(fork, "first"));
        network.Classify(network.Graph.Add("Add", network.Convolve(inner, "second"), fork));
        Value mean = network.Graph.Add("GlobalAveragePool", inner);
        network.Graph.AddOutput(mean);

        CollectionAssert.IsSubsetOf(new[] { "first", "second" }, Find(network).Select(Names).ToArray());
    }

    private static string Names(RoundingBlock block) => string.Join(' ', block.Layers.Select(layer => layer.Node.Name));

    private static IReadOnlyList<RoundingBlock> Find(SmallNetwork network)
    {
        CalibratedModel calibrated = new(network.Model, new PassContext(TargetProfiles.Cpu, network.Samples), RangeMethod.MinMax, QuantizedWeight.Nearest);
        return RoundingBlock.Find(calibrated.Candidates, calibrated.All(new FloatNodes()).Selection);
    }
}
