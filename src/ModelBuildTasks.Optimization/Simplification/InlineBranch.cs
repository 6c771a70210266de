using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// If(constant) → the branch that it takes, in place. Exporters leave such nodes where a condition depends on shapes only. Safe
/// because a branch has no inputs of its own; it reads the enclosing graph by name, and still does.
/// </summary>
internal sealed class InlineBranch : IGraphRule
{
    public string Name => "branch inlining";

    public bool Matches(Node node) => node is { OpType: "If", Domain: "" };

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        if (node.Input(0)?.Constant is not { ElementType: ElementType.Bool, Length: 1 } condition
            || node.GetGraph(condition.Span<bool>()[0] ? "then_branch" : "else_branch") is not { } branch || branch.Outputs.Count != node.Outputs.Count)
        {
            return RuleOutcome.NotApplicable;
        }

        for (int i = 0; i < node.Outputs.Count; i++)
        {
            Value result = branch.Outputs[i];
            bool canTakeName = result.Producer?.Graph == branch && branch.Outputs.Count(output => output == result) == 1;
            if (node.Outputs[i].IsOutput && !canTakeName)
            {
                return RuleOutcome.Refused($"{LinearLayer.Describe(node)} gives the graph output '{node.Outputs[i].Name}' its name");
            }
        }

        IReadOnlyList<Value> results = node.Graph.Inline(branch);
        for (int i = 0; i < results.Count; i++)
        {
            node.Outputs[i].ReplaceWith(results[i]);
        }

        node.Graph.Remove(node);
        return RuleOutcome.Applied;
    }
}
