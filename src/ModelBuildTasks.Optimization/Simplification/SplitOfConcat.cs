using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Split(Concat(a, b, …)) → a, b, … along one axis, where the pieces are as long as the parts: both only copy, the one back what the other copied. The
/// boxes of detectors come so, as centre and size that are joined, and then taken apart for the corners.
/// </summary>
internal sealed class SplitOfConcat : IGraphRule
{
    public string Name => "split of what was joined";

    public bool Matches(Node node) => node is { OpType: "Split", Domain: "" };

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        if (node.Input(0)?.Producer is not { OpType: "Concat", Domain: "" } concat || concat.Inputs.Count != node.Outputs.Count || context.RankOf(concat.Output) is not { } rank)
        {
            return RuleOutcome.NotApplicable;
        }

        // Before operator set 4, a Concat without an axis joined along axis 1.
        int axis = Count(concat.GetInt("axis", 1), rank);
        Value[] parts = [.. concat.Inputs.OfType<Value>()];
        long?[] lengths = [.. parts.Select(part => context.TypeOf(part)?.Shape is { } shape && axis < shape.Count ? shape[axis].Size : null)];
        bool isBack = Count(node.GetInt("axis", 0), rank) == axis && lengths.All(length => length is not null) && Pieces(node, lengths).SequenceEqual(lengths);
        if (!isBack || parts.Length != node.Outputs.Count || node.Outputs.Zip(parts).Any(pair => !pair.First.CanReplaceWith(pair.Second)) || StandsForTwoOutputs(node, parts))
        {
            return RuleOutcome.NotApplicable;
        }

        foreach ((Value piece, Value part) in node.Outputs.Zip(parts))
        {
            piece.ReplaceWith(part);
        }

        node.Graph.Remove(node);
        return RuleOutcome.Applied;
    }

    private static bool StandsForTwoOutputs(Node split, Value[] parts) =>
        split.Outputs.Zip(parts).Where(pair => pair.First.IsOutput).GroupBy(pair => pair.Second).Any(outputs => outputs.Count() > 1);

    private static int Count(long axis, int rank) => (int)(axis < 0 ? axis + rank : axis);

    /// <summary>The lengths that a Split states; without any, it makes equal pieces. None when they are computed.</summary>
    private static IEnumerable<long?> Pieces(Node split, long?[] parts) =>
        StatedIntegers.Of(split, "split", 1) is { } stated ? stated.Select(length => (long?)length)
        : split.Input(1) is null ? Enumerable.Repeat(parts[0], parts.Length)
        : [];
}
