using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning;
using ModelBuildTasks.Optimization.Pruning.Structured;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Tests.Pruning.Structured;

[TestClass]
public class DeadChannelsTests
{
    private static readonly PassContext Context = new(TargetProfiles.Cpu);

    [TestMethod]
    public void Channels_that_nothing_reads_go() => AssertLeft(6, 3, "reader", axis: 1);

    [TestMethod]
    public void A_channel_without_a_filter_becomes_a_bias() => AssertLeft(6, 1, "maker", axis: 0);

    [TestMethod]
    public void Padding_keeps_a_channel_that_is_a_number() => AssertLeft(8, 3, "maker", axis: 0);

    [TestMethod]
    public void Nothing_dead_is_a_refusal()
    {
        PassOutcome outcome = new DeadChannels().Apply(Network(1).Model, Context);

        Assert.IsFalse(outcome.Changed);
        Assert.AreEqual("No channel is dead.", outcome.Explanation);
    }

    [TestMethod]
    public void An_axis_keeps_one_channel()
    {
        CoupledGraph network = Network(3);
        Zero(network.Model, "reader", 1, [.. Enumerable.Range(0, 8)]);

        new DeadChannels().Apply(network.Model, Context);

        Assert.AreEqual(1, Weight(network.Model, "maker").Constant!.Dimensions[0]);
    }

    /// <summary>Zeroes two slices of a layer's weights.</summary>
    private static void AssertLeft(long expected, long kernel, string layer, int axis)
    {
        CoupledGraph network = Network(kernel);
        Zero(network.Model, layer, axis, [2, 5]);
        using ModelSession before = ModelSession.Open(network.Model);
        Tensor reference = before.Run(network.Inputs(before))[0];
        CoupledGraph again = Network(kernel);
        Zero(again.Model, layer, axis, [2, 5]);

        new DeadChannels().Apply(again.Model, Context);

        Assert.AreEqual(expected, Weight(again.Model, "maker").Constant!.Dimensions[0]);
        using ModelSession after = ModelSession.Open(again.Model);
        Assert.IsLessThanOrEqualTo(1e-5, RealModels.RelativeError(reference, after.Run(again.Inputs(after))[0]));
    }

    private static CoupledGraph Network(long kernel) =>
        CoupledGraph.From([1, 3, 6, 6], (g, x) => g.Conv(g.Add("Sigmoid", g.Conv(x, 3, 8, 3, name: "maker")), 8, 4, kernel, name: "reader"));

    private static Value Weight(Model model, string layer) => model.Graph.Nodes.Single(node => node.Name == layer).Input(1)!;

    private static void Zero(Model model, string layer, int axis, int[] positions) =>
        StoredConstant.Replace(Weight(model, layer), TensorSlices.Zero(Weight(model, layer).Constant!, axis, positions));
}
