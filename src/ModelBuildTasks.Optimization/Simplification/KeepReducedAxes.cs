using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Unsqueeze(Reduce(x, A, keepdims = 0), A) → Reduce(x, A, keepdims = 1), and Squeeze(Reduce(x, A, keepdims = 1), A) → Reduce(x, A, keepdims = 0), for
/// every reduction. Either form holds the same elements; keepdims says whether the reduced axes stay with size 1. Negative axes are counted from the front,
/// as ONNX Runtime 1.31 leaves an empty tensor as it is along a negative axis. ArgMax and ArgMin don't get their axis back: behind a Transpose and in front of a
/// Cast that a MatMul reads, ONNX Runtime 1.31 crashes at load on the form with keepdims = 1.
/// </summary>
internal sealed class KeepReducedAxes : IGraphRule
{
    public string Name => "reduction with its axes";

    public bool Matches(Node node) => node is { OpType: "Unsqueeze" or "Squeeze", Domain: "" };

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        bool restores = node.OpType == "Unsqueeze";
        if (node.Input(0)?.Producer is not { Domain: "" } reduction || !IsReduction(reduction) || reduction.Graph != node.Graph
            || (reduction.GetInt("keepdims", 1) == 0) != restores)
        {
            return RuleOutcome.NotApplicable;
        }

        // Whichever side has them, negative axes count from the rank of x.
        int? rank = context.RankOf(reduction.Input(0)!);
        if (AxesOf(reduction, rank) is not { } reduced || StatedIntegers.Axes(node, rank) is not { } axes || !axes.AsSpan().SequenceEqual(reduced))
        {
            return RuleOutcome.NotApplicable;
        }

        if (restores && IsArgument(reduction))
        {
            return RuleOutcome.Refused("ONNX Runtime crashes on some models with an ArgMax or ArgMin that keeps its axis");
        }

        if (reduction.Output.Uses.Count > 1 || reduction.Output.IsOutput)
        {
            return RuleOutcome.Refused($"'{reduction.Output.Name}' is used by another node");
        }

        // A new node: the types of this round know the old one's output by its old shape.
        Node kept = node.Graph.AddNode(reduction.OpType, [.. reduction.Inputs], name: reduction.Name);
        kept.CopyAttributesFrom(reduction);
        kept.Set("keepdims", restores ? 1L : 0);
        node.Output.ReplaceWith(kept.Output);
        node.Graph.Remove(node);
        reduction.Graph.Remove(reduction);
        if (IsArgument(kept))
        {
            kept.Set("axis", reduced[0]);
        }
        else
        {
            StatedIntegers.SetAxes(kept, reduced, kept.OpType == "ReduceSum" ? StatedIntegers.AxesInputSince : StatedIntegers.ReductionAxesInputSince);
        }

        return RuleOutcome.Applied;
    }

    private static bool IsReduction(Node node) => node.OpType.StartsWith("Reduce", StringComparison.Ordinal) || IsArgument(node);

    private static bool IsArgument(Node node) => node.OpType is "ArgMax" or "ArgMin";

    private static long[]? AxesOf(Node reduction, int? rank)
    {
        if (!IsArgument(reduction))
        {
            return StatedIntegers.Axes(reduction, rank);
        }

        long axis = reduction.GetInt("axis", 0);
        return axis >= 0 ? [axis] : axis + rank is { } counted ? [counted] : null;
    }
}
