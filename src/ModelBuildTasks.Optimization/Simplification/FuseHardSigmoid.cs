using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Onnx.Pattern;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Clip(x + 3, 0, 6)/6 → HardSigmoid(x, α = 1/6, β = ½), which is max(0, min(1, αx + β)); x·HardSigmoid(x, 1/6, ½) and x·Clip(x + 3, 0, 6)/6 →
/// HardSwish(x), since operator set 14 (Howard et al., "Searching for MobileNetV3"). Dividing by 6 keeps order, so the bounds may be divided too; results
/// differ by rounding. Where x·Clip is formed first, it overflows from 5.7e37 (the largest float32 / 6) on, which the fused operator does not.
/// </summary>
internal sealed class FuseHardSigmoid : IGraphRule
{
    /// <summary>The first operator set with HardSwish.</summary>
    private const long HardSwishSince = 14;

    private const float Slope = 1 / 6f;
    private const float Offset = 0.5f;

    private static readonly Pattern X = Any("x");
    private static readonly Pattern Six = Constant(6);
    private static readonly Pattern Sixth = Constant(1 / 6.0);

    private static readonly Pattern Clipped = Op("Clip", Op("Add", X, Constant(3)), Optional("low"), Optional("high")).Where(IsZeroToSix);

    private static readonly Pattern Sigmoid = Either(Op("Div", Clipped, Six), Op("Mul", Clipped, Sixth));

    private static readonly Pattern Swish = Either(
        Op("Mul", X, Op("HardSigmoid", X).Where(HasSlope)), Op("Mul", X, Sigmoid),
        Op("Div", Op("Mul", X, Clipped), Six), Op("Mul", Op("Mul", X, Clipped), Sixth));

    public string Name => "HardSigmoid and HardSwish";

    public bool Matches(Node node) => node is { OpType: "Mul" or "Div", Domain: "" };

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        PatternMatch? swish = node.Graph.Model.Opset >= HardSwishSince ? Swish.Match(node) : null;
        if ((swish ?? Sigmoid.Match(node)) is not { } match || context.RankOf(match["x"]) is not { } rank || context.RankOf(node.Output) != rank
            || !FusedKernels.Take(match["x"], context))
        {
            return RuleOutcome.NotApplicable;
        }

        if (match.ReadOutside is { } inner)
        {
            return RuleOutcome.Refused($"'{inner.Name}', a part of its activation, is used by another node");
        }

        Node fused = node.Graph.AddNode(swish is null ? "HardSigmoid" : "HardSwish", [match["x"]], name: node.Name);
        if (swish is null)
        {
            fused.Set("alpha", Slope).Set("beta", Offset);
        }

        match.ReplaceWith(fused.Output);
        return RuleOutcome.Applied;
    }

    private static bool HasSlope(Node node) =>
        Math.Abs(node.GetFloat("alpha", 0.2f) - Slope) < 1e-6 && node.GetFloat("beta", 0.5f) == Offset;

    private static bool IsZeroToSix(Node clip) =>
        clip.Has("min") || clip.Has("max")
            ? clip.GetFloat("min", float.MinValue) == 0 && clip.GetFloat("max", float.MaxValue) == 6
            : ChannelAffine.Doubles(clip.Input(1)?.Constant) is [0] && ChannelAffine.Doubles(clip.Input(2)?.Constant) is [6];
}
