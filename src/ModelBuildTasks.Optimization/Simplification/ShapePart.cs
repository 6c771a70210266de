using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Onnx.Pattern;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>One number of a computed shape that is a dimension of a value as it is: <c>Gather</c> or <c>Slice</c> of its <c>Shape</c>.</summary>
/// <param name="Source">The value.</param>
/// <param name="Axis">Which of its dimensions, from 0.</param>
internal sealed record ShapePart(Value Source, int Axis)
{
    private static readonly Pattern WholeShape = Op("Shape", Any("x")).Where(node => node.GetInt("start", 0) == 0 && !node.Has("end"));

    private static readonly Pattern Gathered = Op("Gather", WholeShape, Constant("i")).Where(node => node.GetInt("axis", 0) == 0);

    private static readonly Pattern Sliced = Op("Slice", WholeShape, Constant("i"), Constant("end"), Optional("axes"), Optional("steps"));

    private static readonly Pattern Part = Either(
        Gathered,
        Op("Unsqueeze", Gathered, Optional("to")),
        Op("Reshape", Gathered, Constant(-1)),
        Sliced,
        // A tracer asks for one element, drops its axis, and puts it back.
        Op("Unsqueeze", Op("Squeeze", Sliced, Optional("from")), Optional("to")));

    /// <summary>Sees a value of one element as such a number; null when it is anything else.</summary>
    internal static ShapePart? Of(Value part, RuleContext context)
    {
        if (part.Producer is not { } producer || Part.Match(producer) is not { } match
            || match["i"].Constant is not { ElementType: ElementType.Int64, Length: 1 } index)
        {
            return null;
        }

        // A rank that is not known must still be above an index that the model itself uses. A Slice that gives one element takes it from its start, unless it runs backwards from beyond the end.
        long axis = index.Span<long>()[0];
        int? rank = context.RankOf(match["x"]);
        axis += axis < 0 ? rank ?? 0 : 0;
        return axis >= 0 && axis < (rank ?? int.MaxValue) ? new ShapePart(match["x"], (int)axis) : null;
    }

    /// <summary>The name of the dimension; null when it has none or nothing is known of it.</summary>
    internal string? SymbolIn(RuleContext context) => context.TypeOf(Source)?.Shape?[Axis].Symbol;
}
