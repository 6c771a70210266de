using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;
using static ModelBuildTasks.Onnx.Pattern;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// ½·x·(1 + erf(x/√2)) → Gelu(x), and ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))) → its approximation, the products in any order (Hendrycks and Gimpel,
/// "Gaussian Error Linear Units"). The same formula in one pass over memory; results differ by rounding. ONNX Runtime's own Gelu and FastGelu where
/// its operators run, whatever the operator set; the standard Gelu, since operator set 20, elsewhere.
/// </summary>
internal sealed class FuseGelu : IGraphRule
{
    /// <summary>The first operator set with Gelu.</summary>
    private const long StandardSince = 20;

    private static readonly Pattern X = Any("x");

    private static readonly Pattern Exact = HalfOf(Op("Add", Constant(1), Op("Erf", Either(Op("Div", X, Constant(Math.Sqrt(2))), Op("Mul", X, Constant(Math.Sqrt(0.5)))))));

    private static readonly Pattern Approximate = HalfOf(Op("Add", Constant(1), Op("Tanh", Op("Mul", Constant(Math.Sqrt(2 / Math.PI)), Op("Add", X, Cubic(0.044715))))));

    public string Name => "Gelu";

    public bool Matches(Node node) => node is { OpType: "Mul", Domain: "" };

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        bool exact = Exact.Match(node) is not null;
        // A constant of higher rank than x would raise the rank of the result.
        if ((Exact.Match(node) ?? Approximate.Match(node)) is not { } match || context.RankOf(match["x"]) is not { } rank || context.RankOf(node.Output) != rank
            || !FusedKernels.Take(match["x"], context))
        {
            return RuleOutcome.NotApplicable;
        }

        if (match.ReadOutside is { } inner)
        {
            return RuleOutcome.Refused($"'{inner.Name}', a part of its Gelu, is used by another node");
        }

        Model model = node.Graph.Model;
        if (context.Target.RunsContributedOperators)
        {
            model.OpsetImports.TryAdd(TargetProfile.ContributedDomain, 1);
            match.ReplaceWith(node.Graph.AddNode(exact ? "Gelu" : "FastGelu", [match["x"]], name: node.Name, domain: TargetProfile.ContributedDomain).Output);
            return RuleOutcome.Applied;
        }

        if (model.Opset < StandardSince)
        {
            return RuleOutcome.Refused($"it ends a Gelu, which needs operator set {StandardSince} on {context.Target}, and the model has {model.Opset}");
        }

        match.ReplaceWith(node.Graph.AddNode("Gelu", [match["x"]], name: node.Name).Set("approximate", exact ? "none" : "tanh").Output);
        return RuleOutcome.Applied;
    }

    /// <summary>½·x·gate in any order.</summary>
    private static Pattern HalfOf(Pattern gate)
    {
        Pattern half = Constant(0.5);
        return Either(Op("Mul", half, Op("Mul", X, gate)), Op("Mul", X, Op("Mul", half, gate)), Op("Mul", gate, Op("Mul", half, X)));
    }

    /// <summary>c·x³ in the orders that exporters write.</summary>
    private static Pattern Cubic(double factor)
    {
        Pattern c = Constant(factor);
        Pattern square = Either(Op("Mul", X, X), Op("Pow", X, Constant(2)));
        return Either(
            Op("Mul", c, Either(Op("Pow", X, Constant(3)), Op("Mul", X, square))),
            Op("Mul", X, Either(Op("Mul", c, square), Op("Mul", X, Op("Mul", c, X)))),
            Op("Mul", square, Op("Mul", c, X)));
    }
}
