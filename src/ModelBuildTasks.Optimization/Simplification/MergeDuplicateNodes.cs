using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Two nodes with the same operator, attributes and inputs → one. Safe for operators that compute the same each time: random ones
/// stay, and so do nodes that hold graphs. Constants count as the same input when their elements are.
/// </summary>
internal sealed class MergeDuplicateNodes : IGraphRule
{
    /// <summary>Weights are not compared: a twin of a layer would hinder folding into either, and does not occur.</summary>
    private const int LargestComparedConstant = 1024;

    public string Name => "duplicate node merging";

    public bool Matches(Node node) => node.Inputs.Count > 0 && !FoldConstants.IsRandom(node) && !node.Subgraphs.Any();

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        Node? twin = node.Inputs.FirstOrDefault(input => input is { Constant: null })?.Uses
            .Select(use => use.Node)
            .FirstOrDefault(other => other != node && other.Graph == node.Graph && AreTwins(node, other));
        if (twin is null || node.Outputs.Zip(twin.Outputs).Any(pair => !pair.First.CanReplaceWith(pair.Second)))
        {
            return RuleOutcome.NotApplicable;
        }

        for (int i = 0; i < node.Outputs.Count; i++)
        {
            node.Outputs[i].ReplaceWith(twin.Outputs[i]);
        }

        node.Graph.Remove(node);
        return RuleOutcome.Applied;
    }

    private static bool AreTwins(Node a, Node b) =>
        a.OpType == b.OpType && a.Domain == b.Domain && a.Inputs.Count == b.Inputs.Count && a.Outputs.Count == b.Outputs.Count
        && a.Inputs.Zip(b.Inputs).All(pair => AreSame(pair.First, pair.Second))
        && a.HasSameAttributes(b);

    private static bool AreSame(Value? a, Value? b) =>
        a == b || (a?.Constant is { } first && b?.Constant is { } second && first.Data.Length <= LargestComparedConstant && MergeDuplicateInitializers.AreEqual(first, second));
}
