using ModelBuildTasks.Onnx;
using static ModelBuildTasks.Onnx.Pattern;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Gather(Reshape(Transpose(Reshape(x, [A, g, R]), [1, 0, 2]), [g, …]), i) → x[…, i::g, …], a Slice with step g. Element (j, r) of the left side
/// is element (j·g + i)·R + r of x: where the dimensions of x after an axis multiply to R and g divides that axis, this takes every
/// g-th element of the axis, starting at i. How ShuffleNets are exported that shuffle channels and take one half.
/// </summary>
internal sealed class SliceShuffledChannels : IGraphRule
{
    /// <summary>The first operator set whose Slice has steps.</summary>
    private const long StepsSince = 10;

    private static readonly Pattern Grouped = Op("Reshape", Any("x"), Any("groups")).Named("grouped");

    private static readonly Pattern Shuffled =
        Op("Gather", Op("Reshape", Op("Transpose", Grouped).Where(node => node.GetInts("perm") is [1, 0, 2]), Any("sizes")).Named("regrouped"), Constant("index"))
            .Where(node => node.GetInt("axis", 0) == 0 && node.Input(1)?.Constant is { Dimensions.Count: 0 });

    public string Name => "slice of shuffled channels";

    public bool Matches(Node node) => node is { OpType: "Gather", Domain: "" };

    public RuleOutcome Apply(Node node, RuleContext context)
    {
        if (node.Graph.Model.Opset < StepsSince || Shuffled.Match(node) is not { } match || StatedIntegers.Of(match["index"]) is not [var index]
            || context.StaticShapeOf(match["grouped"]) is not [_, var groups, var inner]
            || context.StaticShapeOf(match["regrouped"]) is not { Length: > 1 } made || made[0] != groups
            || context.StaticShapeOf(match["x"]) is not { } shape || AxisOf(shape, groups, inner) is not { } axis)
        {
            return RuleOutcome.NotApplicable;
        }

        long start = index < 0 ? index + groups : index;
        long size = shape[axis];
        shape[axis] = size / groups;
        if (!made.AsSpan(1).SequenceEqual(shape) || start < 0 || start >= groups)
        {
            return RuleOutcome.NotApplicable;
        }

        Graph graph = node.Graph;
        Value[] range = [.. new[] { start, size, axis, groups }.Select(number => graph.AddInitializer("slice", Tensor.Vector(number)))];
        node.Output.ReplaceWith(graph.AddNode("Slice", [match["x"], .. range], name: node.Name).Output);
        graph.Remove(node);
        return RuleOutcome.Applied;
    }

    private static int? AxisOf(long[] shape, long groups, long inner)
    {
        long after = 1;
        for (int axis = shape.Length - 1; axis >= 0; after *= shape[axis--])
        {
            if (after == inner && groups > 1 && shape[axis] % groups == 0)
            {
                return axis;
            }
        }

        return null;
    }
}
