using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// s(r(x)) → one node or none, for r and s any of Reshape, Flatten, Squeeze, Unsqueeze. All keep the order of the elements, so only the last shape
/// counts: s(r(x)) = x where that is the shape of x; Reshape(x, shape) where at most one dimension of it is unknown, which then is −1 and
/// follows from the element count, or where s is a Reshape that copies no dimension (a 0 would) from r(x). Without any shape:
/// Unsqueeze and Squeeze of the same axes cancel, and two of a kind have their axes in one. A Squeeze goes only where its axes are
/// known to have size 1: it fails on others, and so must the model.
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

        bool cannotFail = CannotFail(inner, context) && CannotFail(node, context);
        if ((Cancel(inner, node, context) || (cannotFail && HasShapeOf(source, node, context))) && node.Output.CanReplaceWith(source))
        {
            node.Output.ReplaceWith(source);
            node.Graph.Remove(node);
        }
        else if (cannotFail && node.OpType == "Reshape" && StatedIntegers.Of(node.Input(1)) is { } shape && (node.GetInt("allowzero", 0) != 0 || !shape.Contains(0)))
        {
            node.SetInput(0, source);
        }
        else if (inner.Output.Uses.Count == 1 && !inner.Output.IsOutput
            && ((cannotFail ? ToReshape(node, source, context) : null) ?? WithAllAxes(inner, node, source, context)) is { } merged)
        {
            node.Output.ReplaceWith(merged.Output);
            node.Graph.Remove(node);
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

    private static bool HasShapeOf(Value source, Node node, RuleContext context) =>
        context.StaticShapeOf(source) is { } before && context.StaticShapeOf(node.Output) is { } after && before.AsSpan().SequenceEqual(after);

    private static bool CannotFail(Node node, RuleContext context) =>
        node.OpType != "Squeeze" || (context.TypeOf(node.Input(0)!)?.Shape is { } shape
            && (StatedIntegers.Axes(node, shape.Count) is { } axes
                ? axes.All(axis => axis < shape.Count && shape[(int)axis].Size == 1)
                : node.Input(1) is null && context.StaticShapeOf(node.Input(0)!) is not null));

    /// <summary>Squeezed axes of size 1 come back as they were; both nodes count negative axes from the wider shape.</summary>
    private static bool Cancel(Node inner, Node outer, RuleContext context) =>
        ((inner.OpType, outer.OpType) is ("Unsqueeze", "Squeeze") || ((inner.OpType, outer.OpType) is ("Squeeze", "Unsqueeze") && CannotFail(inner, context)))
        && context.RankOf(inner.OpType == "Squeeze" ? inner.Input(0)! : inner.Output) is var rank
        && StatedIntegers.Axes(inner, rank) is { } first && StatedIntegers.Axes(outer, rank) is { } second && first.AsSpan().SequenceEqual(second);

    private static Node? ToReshape(Node outer, Value source, RuleContext context)
    {
        if (context.TypeOf(outer.Output)?.Shape is not { } shape || shape.Count(dimension => dimension.Size is null) > 1 || shape.Any(dimension => dimension.Size == 0))
        {
            return null;
        }

        Value target = outer.Graph.AddInitializer(outer.Output.Name + "_shape", Tensor.Vector<long>([.. shape.Select(dimension => dimension.Size ?? -1)]));
        return outer.Graph.AddNode("Reshape", [source, target], name: outer.Name);
    }

    private static Node? WithAllAxes(Node inner, Node outer, Value source, RuleContext context)
    {
        bool squeezes = outer.OpType == "Squeeze";
        if (inner.OpType != outer.OpType || outer.OpType is not ("Squeeze" or "Unsqueeze")
            || StatedIntegers.Axes(inner, context.RankOf(squeezes ? source : inner.Output)) is not { } first
            || StatedIntegers.Axes(outer, context.RankOf(squeezes ? inner.Output : outer.Output)) is not { } second)
        {
            return null;
        }

        // The axes of the node next to the wider shape stand as they are; the others count around them.
        (long[] wide, long[] narrow) = squeezes ? (first, second) : (second, first);
        Node merged = outer.Graph.AddNode(outer.OpType, [source], name: outer.Name);
        StatedIntegers.SetAxes(merged, [.. wide.Concat(narrow.Select(axis => wide.Aggregate(axis, (at, taken) => taken <= at ? at + 1 : at))).Order()], StatedIntegers.AxesInputSince);
        return merged;
    }
}
