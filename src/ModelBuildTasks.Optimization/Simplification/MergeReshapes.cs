using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Reshape(r(x), s) → Reshape(x, s), for r any of Reshape, Flatten, Squeeze, Unsqueeze: all keep the order of the elements, so only the last
/// shape counts. Safe when s copies no dimension from r(x) (a 0 in s would). Any two of them whose outcome has the fixed shape
/// of x give x.
/// </summary>
internal sealed class MergeReshapes : IGraphRule
{
    public string Name => "reshape merging";

    public bool Matches(Node node) => node.Domain.Length == 0 && node.OpType is "Reshape" or "Flatten" or "Squeeze" or "Unsqueeze";

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        if (node.Input(0)?.Producer is not { } inner || !Matches(inner) || inner.Input(0) is not { } source)
        {
            return RuleOutcome.NotApplicable;
        }

        if (context.StaticShapeOf(source) is { } before && context.StaticShapeOf(node.Output) is { } after
            && before.AsSpan().SequenceEqual(after) && node.Output.CanReplaceWith(source))
        {
            node.Output.ReplaceWith(source);
            node.Graph.Remove(node);
        }
        else if (node.OpType == "Reshape" && node.Input(1)?.Constant is { ElementType: ElementType.Int64 } shape
            && (node.GetInt("allowzero", 0) != 0 || !shape.Span<long>().Contains(0)))
        {
            node.SetInput(0, source);
        }
        else
        {
            return RuleOutcome.NotApplicable;
        }

        if (inner.Output.Uses.Count == 0 && !inner.Output.IsOutput)
        {
            inner.Graph.Remove(inner);
        }

        return RuleOutcome.Applied;
    }
}
