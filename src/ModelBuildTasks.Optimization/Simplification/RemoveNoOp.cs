using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// op(x) → x where op returns its input: Identity; Dropout in inference; Cast to the type at hand; Transpose that keeps the order; Pad by
/// nothing; Slice of everything; Reshape, Flatten, Squeeze, Unsqueeze or Expand to the shape at hand; Concat, Sum, Max, Min or
/// Mean of one input; Mul or Div by one; Add or Sub of zero.
/// </summary>
internal sealed class RemoveNoOp : IGraphRule
{
    /// <summary>Exporters write the end of an open slice as the largest 32- or 64-bit number.</summary>
    private const long OpenEnd = int.MaxValue;

    public string Name => "no-op removal";

    public bool Matches(Node node) => node.Domain.Length == 0 && node.OpType is
        "Identity" or "Dropout" or "Cast" or "Transpose" or "Pad" or "Slice" or "Reshape" or "Flatten" or "Squeeze" or "Unsqueeze" or "Expand"
        or "Concat" or "Sum" or "Max" or "Min" or "Mean" or "Mul" or "Div" or "Add" or "Sub";

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        if (PassedThrough(node, context) is not { } input || node.Outputs.Skip(1).Any(output => output.Uses.Count > 0 || output.IsOutput))
        {
            return RuleOutcome.NotApplicable;
        }

        if (!node.Output.CanReplaceWith(input))
        {
            if (node.Graph.Owner is not null && input.Graph != node.Graph)
            {
                // How a branch hands an outer value on: ONNX Runtime refuses to return it without a node.
                return RuleOutcome.NotApplicable;
            }

            return RuleOutcome.Refused($"{LinearLayer.Describe(node)} gives the graph output '{node.Output.Name}' its name");
        }

        if (FoldPad.WouldJoinMaximum(input, node.Output.Uses, context))
        {
            return RuleOutcome.Refused($"without {LinearLayer.Describe(node)}, ONNX Runtime would join the Pad in front with the MaxPool behind, and pad with -∞");
        }

        node.Output.ReplaceWith(input);
        node.Graph.Remove(node);
        return RuleOutcome.Applied;
    }

    /// <summary>The input that the node returns as it is; null when it does something.</summary>
    private static Value? PassedThrough(Node node, RuleContext context)
    {
        Value? x = node.Input(0);
        bool isNoOp = x is not null && node.OpType switch
        {
            "Identity" => true,
            "Dropout" => IsInference(node),
            "Cast" => context.TypeOf(x)?.ElementType is { } type && (long)type == node.GetInt("to", 0),
            "Transpose" => node.GetInts("perm") is { } order && order.Select((axis, i) => axis == i).All(same => same),
            "Pad" => StatedIntegers.Of(node, "pads", 1) is { } pads && pads.All(pad => pad == 0),
            "Slice" => TakesEverything(node) || (KeepsShape(node, context) && Steps(node)?.All(step => step == 1) == true),
            "Reshape" => KeepsShape(node, context) || RestatesShape(node, context),
            "Flatten" => KeepsShape(node, context) || (node.GetInt("axis", 1) == 1 && context.RankOf(x) == 2),
            "Squeeze" or "Unsqueeze" => KeepsShape(node, context),
            "Expand" => KeepsShape(node, context)
                || (node.Input(1)?.Constant is { ElementType: ElementType.Int64 } shape && shape.Length <= context.RankOf(x) && AllAre(shape, 1)),
            "Concat" or "Sum" or "Max" or "Min" or "Mean" => node.Inputs.Count == 1,
            _ => false,
        };
        return isNoOp ? x : NeutralArithmetic(node, context);
    }

    private static bool IsInference(Node node) =>
        node.Graph.Model.Opset < 7 ? node.GetInt("is_test", 0) != 0
        : node.Input(2) is not { } mode || mode.Constant is { ElementType: ElementType.Bool } training && !training.Span<bool>()[0];

    private static bool KeepsShape(Node node, RuleContext context) =>
        context.StaticShapeOf(node.Input(0)!) is { } before && context.StaticShapeOf(node.Output) is { } after && before.AsSpan().SequenceEqual(after);

    /// <summary>Each entry copies the dimension or repeats it, and at most one is left to follow from the others.</summary>
    private static bool RestatesShape(Node node, RuleContext context)
    {
        if (node.GetInt("allowzero", 0) != 0 || context.TypeOf(node.Input(0)!)?.Shape is not { } before
            || StatedIntegers.Of(node, "shape", 1) is not { } target || target.Length != before.Count || target.Count(size => size == -1) > 1)
        {
            return false;
        }

        for (int i = 0; i < target.Length; i++)
        {
            bool same = target[i] is 0 or -1 || (target[i] > 0 && target[i] == before[i].Size);
            if (!same)
            {
                return false;
            }
        }

        return true;
    }

    private static bool TakesEverything(Node node) =>
        StatedIntegers.Of(node, "starts", 1) is { } starts && starts.All(start => start == 0)
        && StatedIntegers.Of(node, "ends", 2) is { } ends && ends.All(end => end >= OpenEnd)
        && Steps(node)?.All(step => step == 1) == true;

    /// <summary>The steps of a Slice: none means one. Null when they are computed.</summary>
    private static long[]? Steps(Node node) => node.Input(4) is null ? [] : StatedIntegers.Of(node, "steps", 4);

    private static Value? NeutralArithmetic(Node node, RuleContext context)
    {
        if (!ChannelAffine.IsArithmetic(node))
        {
            return null;
        }

        double neutral = node.OpType is "Mul" or "Div" ? 1 : 0;
        bool commutes = node.OpType is "Mul" or "Add";
        return IsNeutral(1) ? node.Input(0) : commutes && IsNeutral(0) ? node.Input(1) : null;

        bool IsNeutral(int index) =>
            node.Input(index)?.Constant is { } constant && node.Input(1 - index) is { } other
            && (constant.Dimensions.Count == 0 || (constant.Length == 1 && constant.Dimensions.Count <= context.RankOf(other)) || IsSameShape(other))
            && AllAre(constant, neutral);

        bool IsSameShape(Value other) =>
            context.StaticShapeOf(other) is { } before && context.StaticShapeOf(node.Output) is { } after && before.AsSpan().SequenceEqual(after);
    }

    private static bool AllAre(Tensor tensor, double value) => tensor.ElementType switch
    {
        ElementType.Int64 => tensor.Span<long>().IndexOfAnyExcept((long)value) < 0,
        ElementType.Int32 => tensor.Span<int>().IndexOfAnyExcept((int)value) < 0,
        _ => ChannelAffine.Doubles(tensor) is { } elements && elements.AsSpan().IndexOfAnyExcept(value) < 0,
    };
}
