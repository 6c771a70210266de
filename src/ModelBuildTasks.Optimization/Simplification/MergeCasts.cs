using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Cast(Cast(x, B), C) → Cast(x, C), where B holds every value of x's type exactly, so that the inner one changes no number. Casts that round or wrap
/// in between stay, and so do casts to strings, which differ by type.
/// </summary>
internal sealed class MergeCasts : IGraphRule
{
    public string Name => "cast merging";

    public bool Matches(Node node) => node is { OpType: "Cast", Domain: "" };

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        if (node.Input(0)?.Producer is not { } inner || !Matches(inner) || inner.Input(0) is not { } x || context.TypeOf(x)?.ElementType is not { } from
            || node.GetInt("to", 0) == (long)ElementType.String)
        {
            return RuleOutcome.NotApplicable;
        }

        ElementType through = (ElementType)inner.GetInt("to", 0);
        if (!IsExact(from, through))
        {
            return RuleOutcome.Refused($"the cast from {from} to {through} before it may change numbers");
        }

        node.SetInput(0, x);
        if (inner.Output.Uses.Count == 0 && !inner.Output.IsOutput)
        {
            inner.Graph.Remove(inner);
        }

        return RuleOutcome.Applied;
    }

    /// <summary>Whether each value of <paramref name="from"/> is one of <paramref name="to"/>: enough bits before and, for floats, after the point.</summary>
    private static bool IsExact(ElementType from, ElementType to)
    {
        if (from == to)
        {
            return true;
        }

        if (Format(from) is not { } narrow || Format(to) is not { } wide)
        {
            return false;
        }

        return narrow.Digits <= wide.Digits && narrow.Exponents <= wide.Exponents && (wide.IsSigned || !narrow.IsSigned);
    }

    /// <summary>Binary digits of the magnitude, the bits of the exponent (0 for integers), and whether it has a sign.</summary>
    private static (int Digits, int Exponents, bool IsSigned)? Format(ElementType type) => type switch
    {
        ElementType.Bool => (1, 0, false),
        ElementType.UInt8 => (8, 0, false),
        ElementType.Int8 => (7, 0, true),
        ElementType.UInt16 => (16, 0, false),
        ElementType.Int16 => (15, 0, true),
        ElementType.UInt32 => (32, 0, false),
        ElementType.Int32 => (31, 0, true),
        ElementType.UInt64 => (64, 0, false),
        ElementType.Int64 => (63, 0, true),
        ElementType.Float16 => (11, 5, true),
        ElementType.BFloat16 => (8, 8, true),
        ElementType.Float => (24, 8, true),
        ElementType.Double => (53, 11, true),
        _ => null,
    };
}
