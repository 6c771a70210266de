using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Conversion;
using ModelBuildTasks.Optimization.Pruning;
using ModelBuildTasks.Optimization.Pruning.Structured;
using ModelBuildTasks.Optimization.Targets;
using ModelBuildTasks.Optimization.Tests.Quantization;

namespace ModelBuildTasks.Optimization.Tests.Pruning.Structured;

[TestClass]
public class StructuredPruningTests
{
    private static readonly PassContext Context = new(TargetProfiles.Cpu);

    [TestMethod]
    public void Leaves_a_number_of_channels_that_kernels_like()
    {
        Model model = Network().Model;

        PassOutcome outcome = new StructuredPruning(0.5).Apply(model, Context);

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Assert.AreEqual(0, Channels(model, "first") % 8);
        Assert.AreEqual(0, Channels(model, "second") % 8);
        Assert.AreEqual(32, Channels(model, "first") + Channels(model, "second"));
    }

    [TestMethod]
    public void Keeps_the_channels_with_large_weights()
    {
        CoupledGraph network = Network();
        Scale(network.Model, "first", 1e-4f, even: true);

        new StructuredPruning(0.5, new ExcludedLayers(["second"])).Apply(network.Model, Context);

        float[] left = network.Model.Graph.Nodes.Single(node => node.Name == "first").Input(1)!.Constant!.ToSingles();
        Assert.IsGreaterThan(1e-2, left.Chunk(27).Min(filter => filter.Max(Math.Abs)));
    }

    [TestMethod]
    public void A_refit_leaves_nothing_that_nobody_reads()
    {
        CoupledGraph network = Network();

        new StructuredPruning(0.25).Apply(network.Model, Context with { Calibration = new ListedSamples([.. Enumerable.Range(0, 64).Select(_ => network.Numbers(1, 3, 6, 6))]) });

        Assert.IsEmpty(network.Model.Graph.Initializers.Where(value => value.Uses.Count == 0).Select(value => value.Name));
    }

    [TestMethod]
    public void With_samples_what_is_left_is_refitted_to_what_the_original_gives()
    {
        CoupledGraph network = Network();
        ListedSamples samples = new([.. Enumerable.Range(0, 64).Select(_ => network.Numbers(1, 3, 6, 6))]);
        Tensor unseen = network.Numbers(1, 3, 6, 6);
        Model refitted = network.Model.Clone();
        using ModelSession original = ModelSession.Open(network.Model);
        Tensor expected = original.Run([unseen])[0];

        PassOutcome outcome = new StructuredPruning(0.25).Apply(refitted, Context with { Calibration = samples });
        new StructuredPruning(0.25).Apply(network.Model, Context);

        Assert.Contains("1 layer was refitted", outcome.Explanation);
        Assert.IsLessThan(0.7 * Error(network.Model), Error(refitted));

        double Error(Model pruned)
        {
            using ModelSession session = ModelSession.Open(pruned);
            return expected.ToSingles().Zip(session.Run([unseen])[0].ToSingles(), (a, b) => ((double)a - b) * (a - b)).Sum();
        }
    }

    [TestMethod]
    public void Samples_tell_channels_apart_that_weights_do_not()
    {
        // Input 0 is always zero, so the filters that see it alone give nothing.
        CoupledGraph network = Network();
        Node first = network.Graph.Nodes.Single(node => node.Name == "first");
        float[] weights = first.Input(1)!.Constant!.ToSingles();
        for (int i = 0; i < weights.Length; i++)
        {
            (int filter, int input) = (i / 27, i / 9 % 3);
            weights[i] = filter < 16 ? (input == 0 ? 5 : 0) : weights[i];
        }

        first.Input(1)!.Initializer = Tensor.Create([32, 3, 3, 3], weights);
        first.Input(2)!.Initializer = Tensor.Create([32], new float[32]);
        Tensor[] samples = [.. Enumerable.Range(0, 4).Select(_ => WithoutFirstInput(network.Numbers(1, 3, 6, 6)))];
        using ModelSession before = ModelSession.Open(network.Model);

        new StructuredPruning(0.25).Apply(network.Model, Context with { Calibration = new ListedSamples(samples) });

        using ModelSession after = ModelSession.Open(network.Model);
        Assert.AreEqual(16, Channels(network.Model, "first"));
        Assert.IsLessThanOrEqualTo(1e-5, RealModels.RelativeError(before.Run([samples[0]])[0], after.Run([samples[0]])[0]));
    }

    [TestMethod]
    public void Layers_with_fewer_channels_than_kernels_work_on_stay()
    {
        Model model = CoupledGraph.From([1, 3, 6, 6], (g, x) => g.Conv(g.Conv(x, 3, 8, 3), 8, 4)).Model;

        Assert.IsFalse(new StructuredPruning(0.5).Apply(model, Context).Changed);
    }

    [TestMethod]
    public void A_layer_keeps_a_quarter_of_its_channels_whatever_share_goes()
    {
        Model model = CoupledGraph.From([1, 3, 6, 6], (g, x) => g.Conv(g.Conv(x, 3, 64, 3, name: "first"), 64, 4)).Model;

        new StructuredPruning(1).Apply(model, Context);

        Assert.AreEqual(16, Channels(model, "first"));
    }

    [TestMethod]
    public void Heads_go_one_by_one()
    {
        Model model = CoupledGraph.From([2, 5, 6], (g, x) =>
        {
            g.Model.OpsetImports["com.microsoft"] = 1;
            Node attention = g.Graph.AddNode("MultiHeadAttention", [g.Product(x, 6, 32), g.Product(x, 6, 32), g.Product(x, 6, 32)], domain: "com.microsoft").Set("num_heads", 4L);
            return g.Product(attention.Output, 32, 6);
        }).Model;

        Assert.IsTrue(new StructuredPruning(0.25).Apply(model, Context).Changed);

        Assert.AreEqual(3, model.Graph.Nodes.Single(node => node.OpType == "MultiHeadAttention").GetInt("num_heads", 0));
    }

    [TestMethod]
    public void Layers_that_are_named_stay_whole()
    {
        Model model = Network().Model;

        new StructuredPruning(0.5, new ExcludedLayers(["first"])).Apply(model, Context);

        Assert.AreEqual(32, Channels(model, "first"));
    }

    [TestMethod]
    public void What_is_coupled_to_a_named_layer_stays_with_it_and_says_so()
    {
        Model model = CoupledGraph.From([1, 3, 6, 6], (g, x) =>
        {
            Value first = g.Conv(x, 3, 32, 3, name: "first");
            return g.Conv(g.Conv(g.Add("Add", first, g.Conv(first, 32, 32, 3, name: "second")), 32, 32, 3, name: "third"), 32, 4, name: "last");
        }).Model;

        PassOutcome outcome = new StructuredPruning(0.5, new ExcludedLayers(["second"])).Apply(model, Context);

        Assert.AreEqual(32, Channels(model, "first"));
        Assert.AreEqual(32, Channels(model, "second"));
        Assert.AreEqual(16, Channels(model, "third"));
        Assert.Contains("32 channels stay: the project excludes Conv 'second'.", string.Join("\n", outcome.Refusals));
    }

    [TestMethod]
    public void Dead_channels_of_a_named_layer_stay()
    {
        Model model = Network().Model;
        Scale(model, "second", 0, even: true);

        new StructuredPruning(0, new ExcludedLayers(["second"])).Apply(model, Context);

        Assert.AreEqual(32, Channels(model, "second"));
    }

    [TestMethod]
    public void Says_what_was_removed_and_why_the_rest_stays()
    {
        PassOutcome outcome = new StructuredPruning(0.5).Apply(Network().Model, Context);

        Assert.StartsWith("32 of 64 channels removed:", outcome.Explanation);
        Assert.Contains("4 channels stay:", string.Join("\n", outcome.Refusals));
    }

    [TestMethod]
    public void Gives_the_same_bytes_each_time()
    {
        (Model one, Model other) = (Network().Model, Network().Model);

        new StructuredPruning(0.5).Apply(one, Context);
        new StructuredPruning(0.5).Apply(other, Context);

        CollectionAssert.AreEqual(one.ToBytes(), other.ToBytes());
    }

    [TestMethod]
    public void A_model_without_such_channels_is_refused()
    {
        Model model = CoupledGraph.From([2, 6], (g, x) => g.Product(x, 6, 8)).Model;
        byte[] before = model.ToBytes();

        PassOutcome outcome = new StructuredPruning(0.5).Apply(model, Context);

        Assert.IsFalse(outcome.Changed);
        CollectionAssert.AreEqual(before, model.ToBytes());
    }

    [TestMethod]
    public void Refuses_weights_that_are_not_finite()
    {
        Model model = Network().Model;
        Scale(model, "first", float.NaN, even: true);

        PassOutcome outcome = new StructuredPruning(0.5).Apply(model, Context);

        Assert.IsFalse(outcome.Changed);
        Assert.Contains("not finite", outcome.Explanation);
    }

    [TestMethod]
    [DataRow(-0.1)]
    [DataRow(1.1)]
    [DataRow(double.NaN)]
    public void A_sparsity_is_a_share(double sparsity) => Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new StructuredPruning(sparsity));

    [TestMethod]
    public void Channels_that_hold_the_same_are_not_both_taken_for_superfluous()
    {
        // Contributions that cancel: each is large, both together are nothing.
        RemovalOrder order = RemovalOrder.Of([7, 8, 9], [4, -4, 0, -4, 4, 0, 0, 0, 1]);

        CollectionAssert.AreEqual(new[] { 9, 7, 8 }, order.Classes);
        CollectionAssert.AreEqual(new[] { 0.0, 1, 5, 5 }, order.Losses);
    }

    [TestMethod]
    [DataRow(8, 32)]
    [DataRow(12, 24)]
    public void Each_part_that_a_split_gives_keeps_a_channel(int small, int left)
    {
        CoupledGraph network = CoupledGraph.From([1, 3, 6, 6], (g, x) =>
        {
            Node split = g.Graph.AddNode("Split", [g.Conv(x, 3, 32, 3, name: "first"), g.Longs(small, 32 - small)], 2).Set("axis", 1L);
            Value joined = g.Graph.AddNode("Concat", [g.Add("Relu", split.Outputs[0]), g.Add("Sigmoid", split.Outputs[1])]).Set("axis", 1L).Output;
            return g.Conv(joined, 32, 4, 3, name: "last");
        });
        Value weight = network.Model.Graph.Nodes.Single(node => node.Name == "first").Input(1)!;
        weight.Initializer = Tensor.Create([.. weight.Constant!.Dimensions], weight.Constant.ToSingles().Select((w, i) => i < small * 27 ? w * 1e-4f : w).ToArray());

        new StructuredPruning(0.9).Apply(network.Model, Context);

        Assert.AreEqual(left, Channels(network.Model, "first"));
        using ModelSession session = ModelSession.Open(network.Model);
        Assert.HasCount(1, session.Run([network.Numbers(1, 3, 6, 6)]));
    }

    [TestMethod]
    public void Outputs_whose_size_depends_on_the_values_do_not_stop_it()
    {
        CoupledGraph network = CoupledGraph.From([1, 3, 6, 6], (g, x) =>
            g.Add("NonZero", g.Add("Relu", g.Conv(g.Add("Relu", g.Conv(x, 3, 32, 3, name: "first")), 32, 4, name: "last"))));
        ListedSamples samples = new([.. Enumerable.Range(0, 8).Select(_ => network.Numbers(1, 3, 6, 6))]);

        PassOutcome outcome = new StructuredPruning(0.5).Apply(network.Model, Context with { Calibration = samples });

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
    }

    [TestMethod]
    public void Weights_of_16_bits_are_counted_as_those_of_32()
    {
        Model model = Network().Model;
        long? expected = MultiplicationCount.Of(model, null);
        new Float16Conversion().Apply(model, new PassContext(TargetProfiles.Cuda));

        PassOutcome outcome = new StructuredPruning(0.5).Apply(model, Context);

        Assert.IsTrue(outcome.Changed, outcome.Explanation);
        Assert.DoesNotContain("NaN", outcome.Explanation);
        Assert.IsLessThan(0.6 * expected!.Value, MultiplicationCount.Of(model, null)!.Value);
    }

    [TestMethod]
    public void Quantized_layers_stay_and_are_named()
    {
        CoupledGraph network = CoupledGraph.From([1, 3, 6, 6], (g, x) =>
        {
            Value weight = g.Add("DequantizeLinear", g.Graph.AddInitializer("q", Tensor.Create([32, 3, 3, 3], new sbyte[32 * 27])), g.Graph.AddInitializer("s", Tensor.Scalar(0.1f)));
            return g.Graph.AddNode("Conv", [x, weight], name: "first").Output;
        });

        PassOutcome outcome = new StructuredPruning(0.5).Apply(network.Model, Context);

        Assert.IsFalse(outcome.Changed);
        Assert.Contains("computed, fed or quantized: Conv 'first'", string.Join("\n", outcome.Refusals));
    }

    private static CoupledGraph Network() => CoupledGraph.From([1, 3, 6, 6], (g, x) =>
        g.Conv(g.Add("Relu", g.Conv(g.Add("Relu", g.Conv(x, 3, 32, 3, name: "first")), 32, 32, 3, name: "second")), 32, 4, name: "last"));

    private static long Channels(Model model, string layer) => model.Graph.Nodes.Single(node => node.Name == layer).Input(1)!.Constant!.Dimensions[0];

    private static void Scale(Model model, string layer, float factor, bool even)
    {
        Value weight = model.Graph.Nodes.Single(node => node.Name == layer).Input(1)!;
        int size = (int)(weight.Constant!.Length / weight.Constant.Dimensions[0]);
        weight.Initializer = Tensor.Create([.. weight.Constant.Dimensions], weight.Constant.ToSingles().Select((w, i) => i / size % 2 == 0 == even ? w * factor : w).ToArray());
    }

    private static Tensor WithoutFirstInput(Tensor image) =>
        Tensor.Create([.. image.Dimensions], image.ToSingles().Select((pixel, i) => i < 36 ? 0 : pixel).ToArray());
}
