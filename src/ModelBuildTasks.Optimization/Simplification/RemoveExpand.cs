using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Expand(Reshape(x, s), s) → Reshape(x, s), which has that shape already; and x ∘ Expand(y, s) → x ∘ y for arithmetic and comparisons that broadcast by
/// themselves. The shape of the left side is that of x, y and s broadcast together, so s may go where it is Shape(x), or where x has the
/// size (or the symbol) of the result in each dimension. Not where x is the Expand itself: two inputs would each rely on the other. What other readers make
/// of the Expand may be x, as those keep their shapes.
/// </summary>
/// <remarks>
/// A 0 in s is the dimension of x to a Reshape, and none at all to an Expand. So s has to be one dimension of something, a batch mostly, among constants, where x
/// has no fixed size: an empty batch leaves x empty, too.
/// </remarks>
internal sealed class RemoveExpand : IGraphRule
{
    private static readonly HashSet<string> Broadcasting = new(StringComparer.Ordinal)
    {
        "Add", "Sub", "Mul", "Div", "Pow", "Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "And", "Or", "Xor",
    };

    public string Name => "expand removal";

    public bool Matches(Node node) => node is { OpType: "Expand", Domain: "" };

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        if (node.Input(0) is not { } y)
        {
            return RuleOutcome.NotApplicable;
        }

        if (y.Producer is { OpType: "Reshape", Domain: "" } reshape && reshape.Input(1) == node.Input(1)
            && ComputedSize(node.Input(1), context) is { } place && !IsFixed(context.TypeOf(reshape.Input(0)!)?.Shape, place) && node.Output.CanReplaceWith(y))
        {
            node.Output.ReplaceWith(y);
        }
        else if (!node.Output.IsOutput && node.Output.Uses.Count > 0 && node.Output.Uses.All(use => BroadcastsAlone(use, node.Input(1), context)))
        {
            foreach (Use use in node.Output.Uses.ToArray())
            {
                use.Node.SetInput(use.Index, y);
            }
        }
        else
        {
            return !node.Output.IsOutput && node.Output.Uses.Count > 0 && node.Output.Uses.All(IsBroadcast)
                ? RuleOutcome.Refused("without it, what reads it is not known to broadcast to the same shape")
                : RuleOutcome.NotApplicable;
        }

        node.Graph.Remove(node);
        return RuleOutcome.Applied;
    }

    /// <summary>Where the one size stands that a shape computes, from the shape of something; null when it computes none, several, or in another way.</summary>
    private static int? ComputedSize(Value? shape, RuleContext context)
    {
        if (Uncast(shape)?.Producer is not { OpType: "Concat", Domain: "" } concat)
        {
            return null;
        }

        int? place = null;
        int ahead = 0;
        foreach (Value? part in concat.Inputs)
        {
            if (StatedIntegers.Of(part) is { } sizes && sizes.All(size => size > 0))
            {
                ahead += sizes.Length;
            }
            else if (place is null && IsOfShape(part) && context.TypeOf(part!)?.Shape is [{ Size: 1 }])
            {
                place = ahead++;
            }
            else
            {
                return null;
            }
        }

        return place;
    }

    private static bool IsFixed(IReadOnlyList<Dimension>? shape, int place) => place < shape?.Count && shape[place].Size is not null;

    private static Value? Uncast(Value? value) => value?.Producer is { OpType: "Cast", Domain: "" } cast ? Uncast(cast.Input(0)) : value;

    private static bool IsOfShape(Value? part) => part?.Producer is { Domain: "" } node
        && (node.OpType == "Shape" || (node.OpType is "Gather" or "Slice" or "Squeeze" or "Unsqueeze" or "Reshape" or "Cast" && IsOfShape(node.Input(0))));

    private static bool IsBroadcast(Use use) => use.Node.Domain.Length == 0 && Broadcasting.Contains(use.Node.OpType);

    private static bool BroadcastsAlone(Use use, Value? shape, RuleContext context)
    {
        if (!IsBroadcast(use) || use.Node.Input(1 - use.Index) is not { } x || x == use.Node.Input(use.Index))
        {
            return false;
        }

        if (shape?.Producer is { OpType: "Shape", Domain: "" } source && source.Input(0) == x && !source.Has("start") && !source.Has("end"))
        {
            return true;
        }

        return context.TypeOf(x)?.Shape is { } other && context.TypeOf(use.Node.Output)?.Shape is { } result && other.Count == result.Count
            && other.Zip(result).All(pair => pair.First == pair.Second && pair.First != Dimension.Unknown);
    }
}
