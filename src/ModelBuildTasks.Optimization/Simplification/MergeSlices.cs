using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Slice(Slice(x, r₁), r₂) → Slice(x, r) for constant ranges. Ranges along different axes stand side by side, whatever the sizes. Along one axis of
/// fixed size, [a₁, b₁) by s₁ and then [a₂, b₂) by s₂ take a₁ + s₁·(a₂ + s₂·k): from a₁ + s₁·a₂ by s₁·s₂ up to a₁ + s₁·(b₂ − 1).
/// </summary>
internal sealed class MergeSlices : IGraphRule
{
    /// <summary>The first operator set whose Slice has inputs instead of attributes, and steps.</summary>
    private const long InputsSince = 10;

    /// <summary>
    /// The first operator set in which ranges that may reach beyond the tensor are joined: ONNX Runtime 1.31 misjudges the size that a Slice of operator set 10 gives for several
    /// of them where one is as far off as an int64 goes, and refuses to run.
    /// </summary>
    private const long SideBySideSince = 11;

    public string Name => "slice merging";

    public bool Matches(Node node) => SliceRange.IsSlice(node);

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        if (node.Input(0) is not { Uses.Count: 1, IsOutput: false, Producer: { } inner } || !Matches(inner) || inner.Graph != node.Graph
            || node.Graph.Model.Opset < InputsSince || inner.Input(0) is not { } x
            || (SideBySide(inner, node, context) ?? Composed(inner, node, context)) is not { } ranges)
        {
            return RuleOutcome.NotApplicable;
        }

        Graph graph = node.Graph;
        Value[] inputs =
        [
            .. new Func<SliceRange, long>[] { range => range.Start, range => range.End, range => range.Axis, range => range.Step }
                .Select(part => graph.AddInitializer("slice", Tensor.Vector<long>([.. ranges.Select(part)]))),
        ];
        node.Output.ReplaceWith(graph.AddNode("Slice", [x, .. inputs], name: node.Name).Output);
        graph.Remove(node);
        graph.Remove(inner);
        return RuleOutcome.Applied;
    }

    private static SliceRange[]? SideBySide(Node inner, Node outer, RuleContext context) =>
        outer.Graph.Model.Opset >= SideBySideSince && SliceRange.StatedBy(inner, context) is { } first && SliceRange.StatedBy(outer, context) is { } second
        && !first.Select(range => range.Axis).Intersect(second.Select(range => range.Axis)).Any()
            ? [.. first, .. second]
            : null;

    private static SliceRange[]? Composed(Node inner, Node outer, RuleContext context)
    {
        if (SliceRange.AllOf(inner, context) is not { Length: > 0 } first || SliceRange.AllOf(outer, context) is not { Length: > 0 } second)
        {
            return null;
        }

        Dictionary<long, SliceRange> ranges = first.ToDictionary(range => range.Axis);
        foreach (SliceRange range in second)
        {
            if (range.End == range.Start)
            {
                return null;
            }

            ranges[range.Axis] = ranges.TryGetValue(range.Axis, out SliceRange before)
                ? new SliceRange(outer, range.Axis, before.Start + before.Step * range.Start, before.Start + before.Step * (range.End - 1) + 1, before.Step * range.Step)
                : range;
        }

        return [.. ranges.Values];
    }
}
