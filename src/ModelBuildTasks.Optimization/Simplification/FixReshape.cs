using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Reshape(x, s) with a computed s → Reshape(x, constant), when all but at most one dimension of the result are known, from the
/// inferred type or because s is a Concat of constants and one number. The unknown one becomes −1: it follows from the element
/// count whatever the batch size is, so none is baked in. What computed s falls away.
/// </summary>
internal sealed class FixReshape : IGraphRule
{
    public string Name => "reshape with a fixed shape";

    public bool Matches(Node node) => node is { OpType: "Reshape", Domain: "" };

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        // A zero would be a dimension to copy, or make −1 undetermined.
        if (node.Input(1) is not { Constant: null } computed || (Inferred(node, context) ?? Stated(computed, context)) is not { } target
            || target.Contains(0) || target.Count(size => size == -1) > 1)
        {
            return RuleOutcome.NotApplicable;
        }

        node.SetInput(1, node.Graph.AddInitializer(node.Output.Name + "_shape", Tensor.Vector(target)));
        node.Unset("allowzero");
        return RuleOutcome.Applied;
    }

    private static long[]? Inferred(Node node, RuleContext context) =>
        context.TypeOf(node.Output)?.Shape is { } shape && shape.Count(dimension => dimension.Size is null) <= 1
            ? [.. shape.Select(dimension => dimension.Size ?? -1)]
            : null;

    /// <summary>Whatever the one computed number is, even 0 or −1: the element count leaves it no choice.</summary>
    private static long[]? Stated(Value shape, RuleContext context)
    {
        if (shape.Producer is not { OpType: "Concat", Domain: "" } concat)
        {
            return null;
        }

        List<long> target = [];
        foreach (Value part in concat.Inputs.OfType<Value>())
        {
            if (part.Constant is { ElementType: ElementType.Int64 } constant)
            {
                target.AddRange(constant.Span<long>());
            }
            else if (part.Constant is null && context.StaticShapeOf(part) is [1])
            {
                target.Add(-1);
            }
            else
            {
                return null;
            }
        }

        return [.. target];
    }
}
