using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;
using static ModelBuildTasks.Onnx.Pattern;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// softmax(s·Q·Kᵀ)·V for each head, with the split of matrices [batch, sequence, heads·size] into heads before it and the way back behind it →
/// MultiHeadAttention(Q, K, V), for any constant s (Vaswani et al., "Attention Is All You Need", 3.2; ONNX Runtime docs/ContribOperators.md,
/// com.microsoft.MultiHeadAttention). The same formula, block by block in the cache; results differ by rounding. The projections stay as they are, so that
/// a quantizer finds them.
/// </summary>
/// <remarks>
/// Without a mask only: ONNX Runtime's blockwise kernel takes none, and its other one is no faster than the formula. The standard operator (operator set 23)
/// is faster on a CPU where a model has that operator set, but few have.
/// </remarks>
internal sealed class FuseAttention : IGraphRule
{
    /// <summary>From this operator set on, Softmax works along the last axis when it states none.</summary>
    private const long LastAxisSince = 13;

    private static readonly long[] HeadsFirst = [0, 2, 1, 3];
    private static readonly long[] HeadsFirstTransposed = [0, 2, 3, 1];

    /// <summary>The constants that the scale is made of: exporters put √s on both sides, or s behind the product.</summary>
    private static readonly string[] Scaled = ["queries", "keys", "scores"];

    private static readonly Pattern Scores = Scale(Op("MatMul", Scale(Heads("queries", HeadsFirst), "queries"), Scale(Heads("keys", HeadsFirstTransposed), "keys")), "scores");

    private static readonly Pattern Whole = Attention(Either(Scores, Op("Add", Scores, Any("mask"))), Heads("values", HeadsFirst));

    private static readonly Pattern Outline = Attention(Any("scores"), Any("values"));

    public string Name => "attention";

    public bool Matches(Node node) => node is { OpType: "Reshape", Domain: "" };

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        if (Outline.Match(node) is not { } outline || !FusedKernels.Take(outline["values"], context))
        {
            return RuleOutcome.NotApplicable;
        }

        if (!context.Target.RunsContributedOperators)
        {
            return RuleOutcome.Refused($"it ends an attention, for which {context.Target} does not run ONNX Runtime's operator");
        }

        if (Whole.Match(node) is not { } match)
        {
            return RuleOutcome.Refused("it ends an attention, but the queries, keys and values are not three matrices split into heads, or their scores are more than a scaled product");
        }

        if (match.Find("mask") is { } mask)
        {
            return RuleOutcome.Refused($"it ends an attention with the mask '{mask.Name}', which ONNX Runtime computes no faster as one operator");
        }

        if (match.ReadOutside is { } inner)
        {
            return RuleOutcome.Refused($"'{inner.Name}', a part of its attention, is used by another node");
        }

        if (ScaleOf(match) is not { } scale)
        {
            return RuleOutcome.Refused("it ends an attention whose scale is not one constant");
        }

        if (HeadsOf(match, context) is not { } heads)
        {
            return RuleOutcome.Refused("it ends an attention whose sizes are not known to be the same for queries, keys and values");
        }

        node.Graph.Model.OpsetImports.TryAdd(TargetProfile.ContributedDomain, 1);
        Node fused = node.Graph.AddNode("MultiHeadAttention", [match["queries"], match["keys"], match["values"]], name: node.Name, domain: TargetProfile.ContributedDomain);
        match.ReplaceWith(fused.Set("num_heads", heads).Set("scale", (float)scale).Output);
        return RuleOutcome.Applied;
    }

    private static Pattern Attention(Pattern scores, Pattern values) =>
        Op("Reshape", Op("Transpose", Op("MatMul", Op("Softmax", scores).Where(IsAlongLastAxis), values)).Where(node => HasOrder(node, HeadsFirst)).Named("context"), Any("shape"));

    private static Pattern Heads(string name, long[] order) =>
        Op("Transpose", Op("Reshape", Any(name), Any($"shape of {name}")).Named($"split {name}")).Where(node => HasOrder(node, order));

    private static Pattern Scale(Pattern x, string name) => Either(Op("Mul", x, Constant($"{name} factor")), Op("Div", x, Constant($"{name} divisor")), x);

    private static bool HasOrder(Node transpose, long[] order) => transpose.GetInts("perm").AsSpan().SequenceEqual(order);

    private static bool IsAlongLastAxis(Node softmax) => softmax.GetInt("axis", softmax.Graph.Model.Opset >= LastAxisSince ? -1 : 1) is -1 or 3;

    /// <summary>s; null when it is no constant, or 0, which the operator takes for 1/√size.</summary>
    private static double? ScaleOf(PatternMatch match)
    {
        double scale = 1;
        foreach (string name in Scaled)
        {
            scale *= match.Find($"{name} factor") is { } factor ? Single(factor) : 1;
            scale /= match.Find($"{name} divisor") is { } divisor ? Single(divisor) : 1;
        }

        return double.IsFinite(scale) && scale != 0 ? scale : null;
    }

    private static double Single(Value constant) => ChannelAffine.Doubles(constant.Constant) is [var number] ? number : double.NaN;

    /// <summary>
    /// How many heads there are; null unless all three matrices are split into the same number of heads of the same size, for the same batch (the formula
    /// would broadcast one that is 1), and the result is joined in the same way.
    /// </summary>
    private static long? HeadsOf(PatternMatch match, RuleContext context)
    {
        long? heads = null;
        long? size = null;
        Dimension? batch = null;
        foreach ((Value matrix, Value split, Node reshape) in new[]
        {
            Split("queries"), Split("keys"), Split("values"), (match.Root.Output, match["context"], match.Root),
        })
        {
            if (context.TypeOf(matrix)?.Shape is not { Count: 3 } whole || context.TypeOf(split)?.Shape is not { Count: 4 } parts
                || parts[2].Size is not { } count || parts[3].Size is not { } width || whole[2].Size != count * width
                || !KeepsRows(reshape, whole, parts) || (heads ?? count) != count || (size ?? width) != width || !IsSame(batch ?? whole[0], whole[0]))
            {
                return null;
            }

            (heads, size, batch) = (count, width, whole[0]);
        }

        return heads;

        (Value, Value, Node) Split(string name) => (match[name], match[$"split {name}"], match[$"split {name}"].Producer!);
    }

    /// <summary>The elements keep their order and number, so that with the columns split only and one of batch and sequence as before, the other is, too.</summary>
    private static bool KeepsRows(Node reshape, IReadOnlyList<Dimension> whole, IReadOnlyList<Dimension> parts) =>
        IsSame(whole[0], parts[0]) || IsSame(whole[1], parts[1])
        || (reshape.GetInt("allowzero", 0) == 0 && StatedIntegers.Of(reshape.Input(1)) is [var first, var second, ..] && (first == 0 || second == 0));

    private static bool IsSame(Dimension one, Dimension other) => one == other && one != Dimension.Unknown;
}
