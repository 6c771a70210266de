using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Unsqueeze(Gather(x, i, axis = a), [a]) → Gather(x, [i], axis = a) for one constant index i. A scalar index drops the axis that
/// Unsqueeze puts back with size 1; an index of one element keeps it at size 1. How exporters write x.shape[i] before a Concat.
/// </summary>
internal sealed class KeepGatheredAxis : IGraphRule
{
    public string Name => "gather with its axis";

    public bool Matches(Node node) => node is { OpType: "Unsqueeze", Domain: "" };

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        if (node.Input(0) is not { Uses.Count: 1, IsOutput: false, Producer: { OpType: "Gather", Domain: "" } gather } || gather.Graph != node.Graph
            || gather.Input(1)?.Constant is not { Dimensions.Count: 0 } index || gather.Input(0) is not { } x)
        {
            return RuleOutcome.NotApplicable;
        }

        long? axis = gather.GetInt("axis", 0);
        axis = axis < 0 ? axis + context.RankOf(x) : axis;
        // The Unsqueeze gives the rank of x back.
        if (axis is null || StatedIntegers.Axes(node, context.RankOf(x)) is not [var restored] || restored != axis)
        {
            return RuleOutcome.NotApplicable;
        }

        Node kept = node.Graph.AddNode("Gather", [x, node.Graph.AddInitializer(gather.Input(1)!.Name, index.WithDimensions(1))], name: gather.Name);
        kept.Set("axis", axis.Value);
        node.Output.ReplaceWith(kept.Output);
        node.Graph.Remove(node);
        gather.Graph.Remove(gather);
        return RuleOutcome.Applied;
    }
}
