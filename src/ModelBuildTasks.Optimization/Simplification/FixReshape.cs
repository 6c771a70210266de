using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Reshape(x, s) with a computed s → Reshape(x, constant), when each dimension of the result but one is known, from the inferred
/// type or because s is a Concat. The unknown one becomes −1: it follows from the element count whatever the batch size is, so none
/// is baked in. Several become 0 (copy), when s restates dimensions of x at their places. What computed s falls away.
/// </summary>
/// <remarks>
/// A part of s restates dimension i when it is taken from Shape(x), or from the shape of a value whose dimension comes from the same
/// dimension of the same model input as x's (<see cref="ShapeInference.OfInput"/>). Never both 0 and −1: of an empty batch, the
/// runtime could not tell the unknown size.
/// </remarks>
internal sealed class FixReshape : IGraphRule
{
    public string Name => "reshape with a fixed shape";

    public bool Matches(Node node) => node is { OpType: "Reshape", Domain: "" };

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        if (node.Input(1) is not { Constant: null } computed || (Inferred(node, context) ?? Stated(node, computed, context)) is not { } target)
        {
            return RuleOutcome.NotApplicable;
        }

        node.SetInput(1, node.Graph.AddInitializer(node.Output.Name + "_shape", Tensor.Vector(target)));
        node.Unset("allowzero");
        return RuleOutcome.Applied;
    }

    private static long[]? Inferred(Node node, RuleContext context) =>
        context.TypeOf(node.Output)?.Shape is { } shape && shape.Count(dimension => dimension.Size is null) <= 1 && shape.All(dimension => dimension.Size != 0)
            ? [.. shape.Select(dimension => dimension.Size ?? -1)]
            : null;

    private static long[]? Stated(Node node, Value shape, RuleContext context)
    {
        if (shape.Producer is not { OpType: "Concat", Domain: "" } concat)
        {
            return null;
        }

        List<long> target = [];
        List<int> computed = [];
        foreach (Value part in concat.Inputs.OfType<Value>())
        {
            if (part.Constant is { ElementType: ElementType.Int64 } constant && !constant.Span<long>().Contains(0))
            {
                target.AddRange(constant.Span<long>());
            }
            else if (part.Constant is null && context.StaticShapeOf(part) is [1])
            {
                computed.Add(target.Count);
                target.Add(Restates(part, node.Input(0)!, target.Count, context) ? 0 : -1);
            }
            else
            {
                return null;
            }
        }

        if (computed is [int only])
        {
            // Whatever the number is, even 0 or −1: the element count leaves it no choice.
            target[only] = -1;
        }

        return target.Count(size => size == -1) <= (computed.Count == 1 ? 1 : 0) ? [.. target] : null;
    }

    private static bool Restates(Value part, Value x, int axis, RuleContext context) =>
        ShapePart.Of(part, context) is { } dimension
        && (dimension.Source == x
            ? dimension.Axis == axis
            : context.TypeOf(x)?.Shape is { } shape && axis < shape.Count && shape[axis].Symbol is { } symbol
                && dimension.SymbolIn(context) == symbol);
}
