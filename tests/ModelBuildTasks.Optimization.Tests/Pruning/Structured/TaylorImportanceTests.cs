using ModelBuildTasks.Inference.Data;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Pruning.Structured;
using ModelBuildTasks.Optimization.Tests.Quantization;

namespace ModelBuildTasks.Optimization.Tests.Pruning.Structured;

[TestClass]
public sealed class TaylorImportanceTests
{
    [TestMethod]
    public void Of_a_network_without_bends_the_loss_is_what_masking_changes()
    {
        CoupledGraph network = CoupledGraph.From([1, 6], (g, x) => g.Product(g.Product(x, 6, 24), 24, 1));
        ListedSamples samples = Samples(network, 1, 6);
        DependencyGraph graph = network.Couple();

        RemovalOrder order = Order(graph, samples);

        double expected = new OutputSensitivity(graph, samples).Without(new HashSet<int> { order.Classes[0] });
        Assert.AreEqual(expected, order.Losses[1], 1e-6 + (0.01 * expected));
    }

    [TestMethod]
    public void Channels_that_make_up_for_each_other_cost_nothing_together()
    {
        CoupledGraph network = CoupledGraph.From([1, 6], (g, x) => g.Product(g.Add("Relu", g.Product(x, 6, 16)), 16, 1));
        Value[] products = [.. network.Graph.Nodes.Where(node => node.OpType == "MatMul").Select(node => node.Input(1)!)];
        float[] made = products[0].Constant!.ToSingles(), read = products[1].Constant!.ToSingles();
        for (int i = 0; i < 6; i++)
        {
            made[(i * 16) + 5] = made[(i * 16) + 9];
        }

        (read[5], read[9]) = (2, -2);
        products[0].Initializer = Tensor.Create([6, 16], made);
        products[1].Initializer = Tensor.Create([16, 1], read);
        DependencyGraph graph = network.Couple();

        RemovalOrder order = Order(graph, Samples(network, 1, 6));

        int[] places = [.. new[] { 5, 9 }.Select(channel => Array.IndexOf(order.Classes, graph.Classes.Find(graph.Channels[new ValueAxis(products[1], 0)][channel])))];
        Assert.AreEqual(1, Math.Abs(places[0] - places[1]), "The second of the two takes back what the first cost, and goes next.");
    }

    [TestMethod]
    public void Convolutions_in_groups_and_recurrent_layers_have_slopes()
    {
        CoupledGraph grouped = CoupledGraph.From([1, 3, 6, 6], (g, x) => g.Conv(g.Add("Relu", g.Conv(g.Conv(x, 3, 32, 3), 32, 32, 3, groups: 2)), 32, 4));
        CoupledGraph recurrent = CoupledGraph.From([4, 1, 3], (g, x) =>
        {
            Node layer = g.Graph.AddNode("LSTM", [x, g.Weight(1, 64, 3), g.Weight(1, 64, 16)]).Set("hidden_size", 16L);
            return g.Product(g.Add("Squeeze", layer.Output, g.Longs(1)), 16, 2);
        });

        Assert.IsTrue(Orders(grouped.Couple(), Samples(grouped, 1, 3, 6, 6), out _)!.TrueForAll(order => order.Losses[^1] > 0));
        Assert.IsTrue(Orders(recurrent.Couple(), Samples(recurrent, 4, 1, 3), out _)!.TrueForAll(order => order.Losses[^1] > 0));
    }

    [TestMethod]
    public void Says_why_there_is_no_slope()
    {
        CoupledGraph network = CoupledGraph.From([1, 6], (g, x) => g.Graph.AddNode("ArgMax", [g.Product(g.Product(x, 6, 24), 24, 3)]).Set("axis", 1L).Output);

        Assert.IsNull(Orders(network.Couple(), Samples(network, 1, 6), out string? reason));

        Assert.AreEqual("the model has no output of float", reason);
    }

    [TestMethod]
    public void Without_slopes_channels_are_chosen_by_what_layers_lose()
    {
        CoupledGraph network = CoupledGraph.From([1, 6], (g, x) => g.Graph.AddNode("ArgMax", [g.Product(g.Product(x, 6, 24), 24, 3)]).Set("axis", 1L).Output);
        List<string> refusals = [];

        RemovalPlan? plan = RemovalPlan.Of(network.Model, null, SampledPruning.Context(Samples(network, 1, 6)), refusals, out _, ChannelImportance.Taylor);

        Assert.AreEqual(24, plan!.Removable);
        Assert.Contains("not by slopes: the model has no output of float", string.Join("\n", refusals));
    }

    [TestMethod]
    public void Samples_of_other_shapes_than_the_first_are_left_out()
    {
        CoupledGraph network = CoupledGraph.From([1, 6], (g, x) => g.Product(g.Product(x, 6, 24), 24, 1));
        network.Graph.Inputs[0].Type = new TensorType(ElementType.Float, [Dimension.Unknown, 6]);
        Tensor first = network.Numbers(1, 6);
        DependencyGraph graph = network.Couple();

        CollectionAssert.AreEqual(Order(graph, new ListedSamples(first)).Losses, Order(graph, new ListedSamples(first, network.Numbers(2, 6))).Losses);
    }

    private static ListedSamples Samples(CoupledGraph network, params long[] shape) => new([.. Enumerable.Range(0, 8).Select(_ => network.Numbers(shape))]);

    private static RemovalOrder Order(DependencyGraph graph, Dataset samples) => Orders(graph, samples, out _)!.Single();

    private static List<RemovalOrder>? Orders(DependencyGraph graph, Dataset samples, out string? reason) =>
        TaylorImportance.Of(graph, ChannelSet.Of(graph), samples, CancellationToken.None, out reason);
}
