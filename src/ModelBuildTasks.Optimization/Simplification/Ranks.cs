using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>What the operators around a value say of its rank, where inference does not know it.</summary>
internal static class Ranks
{
    /// <summary>Every rank that the value can have; null when nothing bounds it.</summary>
    internal static IReadOnlySet<int>? PossibleOf(Value value, RuleContext context)
    {
        if (context.RankOf(value) is { } known)
        {
            return new HashSet<int> { known };
        }

        if (value.Producer is not { Domain: "" } node)
        {
            return null;
        }

        if (node.OpType == "If")
        {
            int index = node.Outputs.ToList().IndexOf(value);
            IReadOnlySet<int>?[] made = [.. node.Subgraphs.Select(branch => index < branch.Outputs.Count ? PossibleOf(branch.Outputs[index], context) : null)];
            return made.Contains(null) ? null : made.SelectMany(ranks => ranks!).ToHashSet();
        }

        return Growth(node) is { } growth && node.Input(0) is { } input && PossibleOf(input, context) is { } before
            ? before.Select(rank => rank + growth).Where(rank => rank >= 0).ToHashSet()
            : null;
    }

    /// <summary>The one rank that a reader in the value's own graph accepts; null when none insists on one.</summary>
    internal static int? NeededOf(Value value, RuleContext context)
    {
        foreach (Use use in value.Uses)
        {
            if (use.Node.Graph == value.Graph && use.Node.Domain.Length == 0 && NeededAt(use.Node, use.Index, context) is { } needed)
            {
                return needed;
            }
        }

        return null;
    }

    private static int? NeededAt(Node node, int index, RuleContext context) => (node.OpType, index) switch
    {
        // X, initial_h and initial_c (ONNX Operators.md). A of a Gemm is not here: ONNX Runtime takes a vector for a row.
        ("LSTM" or "GRU" or "RNN", 0 or 5) or ("LSTM", 6) => 3,
        ("Gemm", 1) => 2,
        ("Conv" or "ConvTranspose", 0) => context.RankOf(node.Input(1)!),
        (_, 0) when Growth(node) is { } growth => NeededOf(node.Output, context) - growth,
        _ => null,
    };

    /// <summary>By how many dimensions the output exceeds the first input; null when that is not known.</summary>
    private static int? Growth(Node node) => node.OpType switch
    {
        "Identity" or "Cast" or "Relu" or "Sigmoid" or "Tanh" or "LeakyRelu" or "Neg" or "Transpose" => 0,
        "Unsqueeze" => StatedIntegers.Of(node, "axes", 1)?.Length,
        "Squeeze" => -StatedIntegers.Of(node, "axes", 1)?.Length,
        _ => null,
    };
}
