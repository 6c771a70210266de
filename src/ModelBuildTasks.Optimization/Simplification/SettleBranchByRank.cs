using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// If(c) → If(constant), when the reader of the result takes one rank only and just one branch can make it: f(If(c, a, b)) with f on
/// rank r, rank(a) = r ≠ rank(b) computes f(a) or fails. Exporters leave such nodes where the source asks whether an input has a
/// batch dimension. Safe because the reader stands beside the If and so always runs: where the other branch would be taken, the
/// model fails before and after, if with another message.
/// </summary>
internal sealed class SettleBranchByRank : IGraphRule
{
    public string Name => "branch choice by rank";

    public bool Matches(Node node) => node is { OpType: "If", Domain: "" };

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        if (node.Input(0)?.Constant is not null || node.GetGraph("then_branch") is not { } then || node.GetGraph("else_branch") is not { } other
            || then.Outputs.Count != node.Outputs.Count || other.Outputs.Count != node.Outputs.Count)
        {
            return RuleOutcome.NotApplicable;
        }

        for (int i = 0; i < node.Outputs.Count; i++)
        {
            if (Ranks.NeededOf(node.Outputs[i], context) is not { } needed
                || Ranks.PossibleOf(then.Outputs[i], context) is not { } ofThen || Ranks.PossibleOf(other.Outputs[i], context) is not { } ofElse
                || ofThen.Contains(needed) == ofElse.Contains(needed))
            {
                continue;
            }

            node.SetInput(0, node.Graph.AddInitializer("condition", Tensor.Scalar(ofThen.Contains(needed))));
            return RuleOutcome.Applied;
        }

        return RuleOutcome.NotApplicable;
    }
}
