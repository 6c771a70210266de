using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>Concat(a, Concat(b, c), d) → Concat(a, b, c, d) along one axis: joining is associative. Only where nothing else reads the inner one, or it would be copied twice.</summary>
internal sealed class MergeConcats : IGraphRule
{
    public string Name => "concat merging";

    public bool Matches(Node node) => node is { OpType: "Concat", Domain: "" };

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        if (Axis(node, context) is not { } axis
            || node.Inputs.Select(input => input?.Producer).FirstOrDefault(producer => producer is not null && Matches(producer) && producer.Graph == node.Graph
                && producer.Output is { Uses.Count: 1, IsOutput: false } && Axis(producer, context) == axis) is not { } inner)
        {
            return RuleOutcome.NotApplicable;
        }

        Node joined = node.Graph.AddNode("Concat", [.. node.Inputs.SelectMany(input => input == inner.Output ? inner.Inputs : [input])], name: node.Name);
        joined.Set("axis", axis);
        node.Output.ReplaceWith(joined.Output);
        node.Graph.Remove(node);
        node.Graph.Remove(inner);
        return RuleOutcome.Applied;
    }

    private static long? Axis(Node concat, RuleContext context)
    {
        // Before operator set 4, axis 1 was the default.
        long axis = concat.GetInt("axis", 1);
        return axis >= 0 ? axis : axis + context.RankOf(concat.Output);
    }
}
