using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Conv ∘ Pad → Conv, and AveragePool or MaxPool alike: pads′ = pads + the padding of the spatial axes. Safe for a Conv when it pads with zeros, as
/// the Conv does; for an AveragePool when the zeros count in its mean (count_include_pad, which is set); for a MaxPool when no
/// padded element can win: it pads with −∞, or with zeros what is never negative.
/// </summary>
internal sealed class FoldPad : IGraphRule
{
    /// <summary>Batch and channel, which no layer pads.</summary>
    private const int LeadingAxes = 2;

    /// <summary>The first operator set whose AveragePool can count padding.</summary>
    private const long CountedPaddingSince = 7;

    public string Name => "padding folding";

    public bool Matches(Node node) => node.Domain.Length == 0 && node.OpType is "Conv" or "AveragePool" or "MaxPool";

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        if (node.Input(0)?.Producer is not { OpType: "Pad", Domain: "" } pad || pad.Input(0) is not { } x)
        {
            return RuleOutcome.NotApplicable;
        }

        if (pad.GetString("mode") is not (null or "constant"))
        {
            return RuleOutcome.Refused($"{LinearLayer.Describe(pad)} does not pad with a constant");
        }

        // Axes may be named since operator set 18.
        if (StatedIntegers.Of(pad, "pads", 1) is not { } padding || Filling(pad) is not { } filling || pad.Input(3) is not null)
        {
            return RuleOutcome.NotApplicable;
        }

        int rank = padding.Length / 2;
        int spatial = rank - LeadingAxes;
        if (spatial < 1 || padding.Any(size => size < 0) || padding.Where((_, i) => i % rank < LeadingAxes).Any(size => size > 0))
        {
            return RuleOutcome.Refused($"{LinearLayer.Describe(pad)} pads batch or channels, or cuts");
        }

        long[] own = node.GetInts("pads") ?? new long[2 * spatial];
        if (own.Length != 2 * spatial || node.GetString("auto_pad") is not (null or "NOTSET" or "VALID"))
        {
            return RuleOutcome.Refused($"{LinearLayer.Describe(node)} computes its own padding");
        }

        long[] added = [.. padding.Where((_, i) => i % rank >= LeadingAxes)];
        if (Objection(node, x, filling, own, added, context) is { } problem)
        {
            return RuleOutcome.Refused(problem);
        }

        if (WouldJoinMaximum(pad.Output, pad.Output.Uses.Where(use => use.Node != node), context))
        {
            return RuleOutcome.Refused($"ONNX Runtime would join {LinearLayer.Describe(pad)} with the MaxPool that also reads it, and pad with -∞");
        }

        if (node.OpType == "AveragePool")
        {
            node.Set("count_include_pad", 1L);
        }

        node.Unset("auto_pad");
        node.Set("pads", [.. own.Zip(added, (a, b) => a + b)]);
        node.SetInput(0, x);
        if (pad.Output.Uses.Count == 0 && !pad.Output.IsOutput)
        {
            pad.Graph.Remove(pad);
        }

        return RuleOutcome.Applied;
    }

    private static double? Filling(Node pad) => pad.Input(2) is { } value
        ? (ChannelAffine.Doubles(value.Constant) is [var stated] ? stated : null)
        : pad.GetFloat("value", 0);

    /// <summary>
    /// Whether a MaxPool is among <paramref name="readers"/> of a padding that its maximum may be. ONNX Runtime joins the two where no other node reads the padding
    /// or stands between, and then pads with −∞ whatever was stated (pad_fusion.cc of 1.31): such a node has to stay.
    /// </summary>
    internal static bool WouldJoinMaximum(Value padded, IEnumerable<Use> readers, RuleContext context) =>
        padded.Producer is { OpType: "Pad", Domain: "" } pad && readers.Any(use => use.Node is { OpType: "MaxPool", Domain: "" })
        && Filling(pad) is not double.NegativeInfinity && !(Filling(pad) == 0 && pad.Input(0) is { } x && IsNeverNegative(x, context));

    private static string? Objection(Node node, Value x, double filling, long[] own, long[] added, RuleContext context)
    {
        bool zeros = filling == 0;
        if (node.OpType == "Conv")
        {
            return zeros ? null : $"it pads with {filling}, {LinearLayer.Describe(node)} with zeros";
        }

        long[]? kernel = node.GetInts("kernel_shape");
        bool plain = node.GetInt("ceil_mode", 0) == 0 && (node.GetInts("dilations")?.All(step => step == 1) ?? true);
        if (kernel?.Length != own.Length / 2 || !plain || own.Zip(added, (a, b) => a + b).Where((size, i) => size >= kernel[i % kernel.Length]).Any())
        {
            // A window that holds padding only has no maximum, and ONNX Runtime refuses to pad by a kernel or more.
            return $"{LinearLayer.Describe(node)} would pad by its kernel or more, rounds up, or is dilated";
        }

        if (node.OpType == "AveragePool")
        {
            return zeros && node.Graph.Model.Opset >= CountedPaddingSince && (own.All(size => size == 0) || node.GetInt("count_include_pad", 0) != 0) ? null
                : $"{LinearLayer.Describe(node)} does not count the same padding in its mean";
        }

        bool cannotWin = double.IsNegativeInfinity(filling) || (filling <= float.MinValue && context.TypeOf(x)?.ElementType == ElementType.Float)
            || (zeros && own.All(size => size == 0) && IsNeverNegative(x, context));
        return cannotWin && node.Outputs.Skip(1).All(output => output.Uses.Count == 0 && !output.IsOutput) ? null
            : $"a padded {filling} could be the maximum of {LinearLayer.Describe(node)}";
    }

    // Of integers, Abs gives the lowest for the lowest.
    private static bool IsNeverNegative(Value value, RuleContext context) =>
        ClampRange.Largest(context.TypeOf(value)?.ElementType) is not null && value.Producer is { Domain: "" } producer && (producer.OpType is "Sigmoid" or "HardSigmoid" or "Softmax" or "Exp" or "Abs" || ClampRange.From(producer, context)?.Low >= 0);
}
