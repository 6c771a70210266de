using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Transpose(Transpose(x, p), q) → Transpose(x, r) with r[i] = p[q[i]]; x itself when r keeps the order. Safe whoever else reads the
/// inner one: that keeps its readers.
/// </summary>
internal sealed class MergeTransposes : IGraphRule
{
    public string Name => "transpose merging";

    public bool Matches(Node node) => node is { OpType: "Transpose", Domain: "" };

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        if (node.Input(0)?.Producer is not { OpType: "Transpose", Domain: "" } inner
            || Order(inner, context) is not { } first || Order(node, context) is not { } second || first.Length != second.Length)
        {
            return RuleOutcome.NotApplicable;
        }

        node.SetInput(0, inner.Input(0));
        node.Set("perm", Array.ConvertAll(second, axis => first[axis]));
        if (inner.Output.Uses.Count == 0 && !inner.Output.IsOutput)
        {
            inner.Graph.Remove(inner);
        }

        return RuleOutcome.Applied;
    }

    private static long[]? Order(Node node, RuleContext context) =>
        StatedIntegers.Order(node)
        ?? (!node.Has("perm") && context.RankOf(node.Input(0)!) is { } rank ? [.. Enumerable.Range(0, rank).Select(i => (long)(rank - 1 - i))] : null);
}
