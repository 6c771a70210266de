using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;
using ModelBuildTasks.Optimization.Targets;
using static ModelBuildTasks.Optimization.Tests.Simplification.Simplified;

namespace ModelBuildTasks.Optimization.Tests.Simplification;

/// <summary>Nodes that no runtime takes, in models that load: each rule looks before it reaches.</summary>
[TestClass]
public class MalformedNodesTests
{
    private static readonly Dictionary<string, Func<Graph, Value, Value>> Nodes = new()
    {
        ["normalization of two lengths"] = (g, x) => g.Add("BatchNormalization", g.Add("Conv", x, Weight(g, 4, 3, 1, 1)), Weight(g, 4), Weight(g, 4), Weight(g, 2), Weight(g, 2)),
        ["groups that divide no channels"] = (g, x) => g.AddNode("Conv", [g.Add("Mul", x, Weight(g, 1, 3, 1, 1)), Weight(g, 2, 1, 1, 1)]).Set("group", 3L).Output,
        ["more groups than integers"] = (g, x) => g.Add("Mul", g.AddNode("Conv", [x, Weight(g, 4, 3, 1, 1)]).Set("group", 1L << 32).Output, Weight(g, 1)),
        ["order with an axis beyond"] = (g, x) => Transpose(g, Transpose(g, x, 0, 2, 3, 1), 0, 9, 1, 2),
        ["order with an axis twice"] = (g, x) => Transpose(g, g.Add("Add", Transpose(g, x, 0, 2, 2, 1), Weight(g, 3)), 0, 3, 1, 2),
        ["order of fewer axes around a constant"] = (g, x) => Transpose(g, g.Add("Add", Transpose(g, x, 5, 7), Weight(g, 3)), 1, 0),
        ["squeezed axis beyond"] = (g, x) => g.Add("Squeeze", Transpose(g, x, 0, 2, 3, 1), Longs(g, 7)),
        ["squeezed axis before the first"] = (g, x) => g.Add("Squeeze", Transpose(g, x, 0, 2, 3, 1), Longs(g, -9)),
        ["axis added at the end of the world"] = (g, x) => g.Add("Unsqueeze", g.Add("Unsqueeze", x, Longs(g, 0)), Longs(g, long.MaxValue)),
        ["axis added twice"] = (g, x) => g.Add("Unsqueeze", g.Add("Unsqueeze", x, Longs(g, 0, 0)), Longs(g, 1, 1)),
        ["kernel of no axes"] = (g, x) => g.AddNode("MaxPool", [Padded(g, x)]).Set("kernel_shape", Array.Empty<long>()).Output,
        ["kernel of one axis"] = (g, x) => g.AddNode("AveragePool", [Padded(g, x)]).Set("kernel_shape", [3L]).Output,
        ["no inputs"] = (g, _) => g.Add("Sum", [.. new[] { "Shape", "Reshape", "Unsqueeze", "Pad", "Expand", "BatchNormalization", "Conv", "Clip", "Slice", "Split", "Gather", "Transpose", "Cast" }.Select(op => g.Add(op))]),
        ["axis of a slice before the first"] = (g, x) => Slice(g, Slice(g, x, long.MinValue), 99),
        ["axis of a concat beyond"] = (g, x) => g.AddNode("Split", [g.AddNode("Concat", [x, x]).Set("axis", 5L).Output], 2).Set("axis", -7L).Outputs[1],
        ["gathered before the first"] = (g, x) => g.Add("Gather", g.Add("Shape", x), g.AddInitializer("i", Tensor.Scalar(long.MinValue))),
    };

    public static IEnumerable<object[]> Names => Nodes.Keys.Select(name => new object[] { name });

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void A_node_that_no_runtime_takes_makes_no_rule_fail(string name)
    {
        Model model = Model.Create("g", 15, 8);
        model.Graph.AddOutput(Nodes[name](model.Graph, model.Graph.AddInput("x", new TensorType(ElementType.Float, 1, 3, 4, 4))));
        int nodes = model.Graph.Nodes.Count;

        PassOutcome outcome = new GraphSimplification().Apply(model, new PassContext(TargetProfiles.Cpu));

        Assert.DoesNotContain("failed at this model", string.Join("\n", outcome.Refusals));
        Assert.HasCount(nodes, model.Graph.Nodes, outcome.Explanation);
    }

    private static Value Transpose(Graph g, Value x, params long[] order) => g.AddNode("Transpose", [x]).Set("perm", order).Output;

    private static Value Padded(Graph g, Value x) => g.Add("Pad", x, Longs(g, 0, 0, 1, 1, 0, 0, 1, 1));

    private static Value Slice(Graph g, Value x, long axis) => g.Add("Slice", x, Longs(g, 0), Longs(g, 1), Longs(g, axis));
}
