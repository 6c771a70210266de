using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Pruning.Structured;

/// <summary>Each operator's rule: how many channels can go, and that removing them is masking them.</summary>
[TestClass]
public class CouplingTests
{
    private static readonly long[] Image = [2, 3, 6, 6];

    [TestMethod]
    public void Filters_go_with_the_weights_that_read_them() => AssertRemovable(8, Image, (g, x) => g.Conv(g.Add("Relu", g.Conv(x, 3, 8, 3)), 8, 4, 3));

    [TestMethod]
    public void A_value_that_is_not_zero_for_zero_is_masked_where_it_is_read() => AssertRemovable(8, Image, (g, x) => g.Conv(g.Add("Sigmoid", g.Conv(x, 3, 8)), 8, 4, 3));

    [TestMethod]
    public void A_sum_couples_its_operands() =>
        AssertRemovable(8, Image, (g, x) => { Value a = g.Conv(x, 3, 8); return g.Conv(g.Add("Add", a, g.Conv(a, 8, 8, 3)), 8, 4); });

    [TestMethod]
    public void A_depthwise_filter_goes_with_its_channel() => AssertRemovable(8, Image, (g, x) => g.Conv(g.Conv(g.Conv(x, 3, 8), 8, 16, 3, groups: 8), 16, 4));

    [TestMethod]
    public void Groups_lose_the_same_channels() => AssertRemovable(4 + 3, Image, (g, x) => g.Conv(g.Conv(g.Conv(x, 3, 8), 8, 6, 3, groups: 2), 6, 4));

    [TestMethod]
    public void A_transposed_convolution_has_its_channels_the_other_way_round() =>
        AssertRemovable(8 + 5, Image, (g, x) => g.Conv(g.Add("ConvTranspose", g.Conv(x, 3, 8), g.Weight(8, 5, 2, 2), g.Weight(5)), 5, 4));

    [TestMethod]
    public void Normalization_and_slopes_have_a_number_for_each_channel() => AssertRemovable(8, Image, (g, x) =>
    {
        Value normal = g.Add("BatchNormalization", g.Conv(x, 3, 8), g.Weight(8), g.Weight(8), g.Weight(8), g.Graph.AddInitializer("v", Tensor.Create([8], [1f, 2, 3, 4, 5, 6, 7, 8])));
        return g.Conv(g.Add("PRelu", normal, g.Weight(8, 1, 1)), 8, 4);
    });

    [TestMethod]
    public void A_flattened_channel_covers_a_stretch() =>
        AssertRemovable(8 + 5, Image, (g, x) => g.Product(g.Product(g.Add("Flatten", g.Conv(x, 3, 8)), 8 * 36, 5), 5, 4));

    [TestMethod]
    public void A_reshape_states_its_size_anew() =>
        AssertRemovable(8, Image, (g, x) => g.Product(g.Add("Reshape", g.Conv(x, 3, 8), g.Longs(2, 288)), 288, 4));

    [TestMethod]
    public void A_channel_stands_behind_others_after_a_concatenation() =>
        AssertRemovable(8 + 4, Image, (g, x) => { Node joined = g.Graph.AddNode("Concat", [g.Conv(x, 3, 8), g.Conv(x, 3, 4, 3)]).Set("axis", 1L); return g.Conv(joined.Output, 12, 4); });

    [TestMethod]
    public void What_a_split_takes_is_counted_anew() => AssertRemovable(8, Image, (g, x) =>
    {
        Node split = g.Graph.AddNode("Split", [g.Conv(x, 3, 8), g.Longs(3, 5)], 2).Set("axis", 1L);
        return g.Add("Add", g.Conv(split.Outputs[0], 3, 4), g.Conv(split.Outputs[1], 5, 4));
    });

    [TestMethod]
    [DataRow(1L)]
    [DataRow(2L)]
    public void A_slice_takes_what_is_left_of_its_range(long step) => AssertRemovable(8, Image, (g, x) =>
    {
        Value all = g.Conv(x, 3, 8);
        Value part = g.Add("Slice", all, g.Longs(1), g.Longs(8), g.Longs(1), g.Longs(step));
        return g.Add("Add", g.Conv(part, step == 1 ? 7 : 4, 4), g.Conv(all, 8, 4));
    });

    [TestMethod]
    public void Padded_channels_go_with_those_that_they_are_added_to() => AssertRemovable(8, Image, (g, x) =>
        g.Conv(g.Add("Add", g.Conv(x, 3, 8), g.Add("Pad", g.Conv(x, 3, 4), g.Longs(0, 2, 0, 0, 0, 2, 0, 0))), 8, 4));

    [TestMethod]
    public void Resizing_states_its_sizes_anew() => AssertRemovable(8, Image, (g, x) =>
        g.Conv(g.Add("Resize", g.Conv(x, 3, 8), null, null, g.Longs(2, 8, 12, 12)), 8, 4));

    [TestMethod]
    public void Squares_of_depth_go_together() => AssertRemovable(2, Image, (g, x) =>
        g.Conv(g.Graph.AddNode("DepthToSpace", [g.Conv(x, 3, 8)]).Set("blocksize", 2L).Output, 2, 4));

    [TestMethod]
    public void Shuffled_channels_are_gathered() => AssertRemovable(8, Image, (g, x) =>
    {
        Value grouped = g.Add("Reshape", g.Conv(x, 3, 8), g.Longs(2, 2, 4, 6, 6));
        Value swapped = g.Graph.AddNode("Transpose", [grouped]).Set("perm", [0L, 2, 1, 3, 4]).Output;
        return g.Conv(g.Add("Reshape", swapped, g.Longs(2, 8, 6, 6)), 8, 4);
    });

    [TestMethod]
    public void Squeeze_and_excite_couples_the_gate_with_what_it_scales() => AssertRemovable(8 + 2, Image, (g, x) =>
    {
        Value y = g.Conv(x, 3, 8);
        Value gate = g.Add("Sigmoid", g.Conv(g.Add("Relu", g.Conv(g.Add("GlobalAveragePool", y), 8, 2)), 2, 8));
        return g.Conv(g.Add("Mul", y, gate), 8, 4);
    });

    [TestMethod]
    public void A_head_goes_as_a_whole() => AssertRemovable(4, [2, 5, 6], (g, x) =>
    {
        Value scores = g.Graph.AddNode("Softmax", [g.Add("MatMul", Heads(g, x, 0, 2, 1, 3), Heads(g, x, 0, 2, 3, 1))]).Set("axis", -1L).Output;
        Value mixed = g.Graph.AddNode("Transpose", [g.Add("MatMul", scores, Heads(g, x, 0, 2, 1, 3))]).Set("perm", [0L, 2, 1, 3]).Output;
        return g.Product(g.Add("Reshape", mixed, g.Longs(2, 5, 12)), 12, 6);
    });

    [TestMethod]
    public void A_head_of_fused_attention_goes_as_a_whole() => AssertRemovable(4, [2, 5, 6], (g, x) =>
    {
        g.Model.OpsetImports["com.microsoft"] = 1;
        Node attention = g.Graph.AddNode("MultiHeadAttention", [g.Product(x, 6, 12), g.Product(x, 6, 12), g.Product(x, 6, 12)], domain: "com.microsoft").Set("num_heads", 4L);
        return g.Product(attention.Output, 12, 6);
    });

    [TestMethod]
    [DataRow("LSTM", 4, 1)]
    [DataRow("LSTM", 4, 2)]
    [DataRow("GRU", 3, 1)]
    [DataRow("RNN", 1, 2)]
    public void A_hidden_unit_goes_with_its_gates_and_in_both_directions(string operation, int gates, int directions) => AssertRemovable(7, [5, 2, 6], (g, x) =>
    {
        Node layer = g.Graph.AddNode(operation, [x, g.Weight(directions, gates * 7, 6), g.Weight(directions, gates * 7, 7), g.Weight(directions, 2 * gates * 7)], 2).Set("hidden_size", 7L);
        layer.Set("direction", directions == 2 ? "bidirectional" : "forward");
        Value steps = g.Graph.AddNode("Transpose", [layer.Output]).Set("perm", [0L, 2, 1, 3]).Output;
        return g.Product(g.Add("Reshape", steps, g.Longs(5, 2, directions * 7)), directions * 7, 3);
    });

    [TestMethod]
    public void Columns_of_an_embedding_are_channels() => AssertRemovable(7, [2, 5], (g, x) =>
    {
        Value tokens = g.Graph.AddNode("Cast", [g.Add("Abs", g.Add("Mul", x, g.Graph.AddInitializer("s", Tensor.Scalar(5f))))]).Set("to", 7L).Output;
        return g.Product(g.Add("Gather", g.Weight(9, 7), tokens), 7, 3);
    });

    [TestMethod]
    public void Normalized_channels_stay() => AssertRefused("LayerNormalization", [2, 6], (g, x) => g.Product(g.Add("LayerNormalization", g.Product(x, 6, 8), g.Weight(8)), 8, 3));

    [TestMethod]
    public void Channels_under_a_softmax_stay() => AssertRefused("Softmax", [2, 6], (g, x) => g.Product(g.Add("Softmax", g.Product(x, 6, 8)), 8, 3));

    [TestMethod]
    public void Outputs_keep_their_channels() => AssertRefused("output of the model", [2, 6], (g, x) => g.Product(x, 6, 8));

    [TestMethod]
    public void What_has_no_rule_keeps_its_channels() => AssertRefused("CumSum", [2, 6], (g, x) => g.Product(g.Add("CumSum", g.Product(x, 6, 8), g.Graph.AddInitializer("a", Tensor.Scalar(0L))), 8, 3));

    [TestMethod]
    public void A_sum_with_what_has_no_channels_keeps_them() =>
        AssertRefused("does not have these channels", [2, 8], (g, x) => g.Product(g.Add("Add", x, g.Product(x, 8, 8)), 8, 3));

    [TestMethod]
    public void A_weight_that_is_read_in_another_way_stays_whole() => AssertRefused("in another way", [2, 8], (g, x) =>
    {
        Value shared = g.Weight(8, 8);
        return g.Add("Add", g.Product(g.Add("MatMul", x, shared), 8, 1), g.Add("ReduceSum", g.Add("CumSum", shared, g.Graph.AddInitializer("a", Tensor.Scalar(0L)))));
    });

    [TestMethod]
    public void What_a_branch_reads_stays() => AssertRefused("nested graph", [2, 6], (g, x) =>
    {
        Value hidden = g.Product(x, 6, 8);
        Node choice = g.Graph.AddNode("If", [g.Graph.AddInitializer("c", Tensor.FromBytes(ElementType.Bool, [], new byte[] { 1 }))]);
        foreach (string branch in new[] { "then_branch", "else_branch" })
        {
            Graph nested = choice.AddGraph(branch);
            nested.AddOutput(nested.Add("Relu", hidden));
        }

        return g.Product(choice.Output, 8, 3);
    });

    private static Value Heads(CoupledGraph g, Value x, params long[] order) =>
        g.Graph.AddNode("Transpose", [g.Add("Reshape", g.Product(x, 6, 12), g.Longs(2, 5, 4, 3))]).Set("perm", order).Output;

    private static void AssertRemovable(int expected, long[] shape, Func<CoupledGraph, Value, Value> build) => Assert.AreEqual(expected, CoupledGraph.From(shape, build).Removable());

    private static void AssertRefused(string reason, long[] shape, Func<CoupledGraph, Value, Value> build)
    {
        var graph = CoupledGraph.From(shape, build).Couple();

        Assert.IsEmpty(MaskedChannels.Removable(graph));
        Assert.Contains(reason, string.Join("\n", graph.Channels.Values.SelectMany(channels => channels).Select(graph.Classes.ReasonToKeep)));
    }
}
