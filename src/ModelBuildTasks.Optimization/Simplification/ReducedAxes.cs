using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>What a normalization written out needs of its means and parameters.</summary>
internal static class ReducedAxes
{
    /// <summary>The first axis of a reduction that keeps its axes and reduces <paramref name="input"/> from there to the last; null for any other.</summary>
    internal static long? Trailing(Node reduction, Value input, RuleContext context) =>
        context.RankOf(input) is { } rank && reduction.GetInt("keepdims", 1) != 0
        && StatedIntegers.Axes(reduction, rank) is { Length: > 0 } axes && axes.Select((axis, i) => axis == rank - axes.Length + i).All(same => same)
            ? axes[0]
            : null;

    /// <summary>
    /// Whether a parameter has one element for each position of the axes from <paramref name="axis"/> on, whose sizes are fixed. Ones before them are allowed,
    /// as long as they do not raise the rank.
    /// </summary>
    internal static bool Spans(Value parameter, IReadOnlyList<Dimension> shape, long axis)
    {
        long[] spanned = Spanned(shape, axis);
        return parameter.Constant is { } constant && constant.Dimensions.Count <= shape.Count && constant.Dimensions.Count >= spanned.Length
            && constant.Dimensions.TakeLast(spanned.Length).SequenceEqual(spanned) && constant.Dimensions.SkipLast(spanned.Length).All(size => size == 1);
    }

    /// <summary>The parameter without the ones before the axes that it spans, as the fused operators take it.</summary>
    internal static Value Without(Value parameter, IReadOnlyList<Dimension> shape, long axis)
    {
        Tensor constant = parameter.Constant!;
        long[] spanned = Spanned(shape, axis);
        return constant.Dimensions.Count == spanned.Length ? parameter : parameter.Graph.AddInitializer(parameter.Name, constant.WithDimensions(spanned));
    }

    private static long[] Spanned(IReadOnlyList<Dimension> shape, long axis) => [.. shape.Skip((int)axis).Select(dimension => dimension.Size ?? -1)];
}
