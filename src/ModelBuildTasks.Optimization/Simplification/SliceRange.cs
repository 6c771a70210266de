using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>What a Slice takes along one axis: elements Start, Start + Step, … before End.</summary>
/// <param name="Slice">The node.</param>
/// <param name="Axis">The axis, not negative.</param>
/// <param name="Start">The first element; negative ones count from the end.</param>
/// <param name="End">Where it stops, likewise; beyond the axis means its end.</param>
/// <param name="Step">Not 0.</param>
internal readonly record struct SliceRange(Node Slice, long Axis, long Start, long End, long Step)
{
    internal static bool IsSlice(Node node) => node is { OpType: "Slice", Domain: "" };

    /// <summary>
    /// The axes on which a Slice leaves something out, with bounds inside the axis, counted from the front. Null when starts, ends, axes or steps are computed, a step is negative, or an
    /// axis that may be cut has no fixed size.
    /// </summary>
    internal static SliceRange[]? AllOf(Node slice, RuleContext context)
    {
        if (context.TypeOf(slice.Input(0)!)?.Shape is not { } shape || StatedBy(slice, context) is not { } stated || stated.Any(range => range.Step < 1))
        {
            return null;
        }

        List<SliceRange> ranges = [];
        foreach (SliceRange range in stated)
        {
            // Exporters write the end of an open slice as the largest 32- or 64-bit number.
            if (range is { Start: 0, End: >= int.MaxValue, Step: 1 })
            {
                continue;
            }

            if (shape[(int)range.Axis].Size is not { } size)
            {
                return null;
            }

            long start = Math.Clamp(range.Start < 0 ? range.Start + size : range.Start, 0, size);
            long end = Math.Clamp(range.End < 0 ? range.End + size : range.End, start, size);
            if (start > 0 || end < size || range.Step > 1)
            {
                ranges.Add(range with { Start = start, End = end });
            }
        }

        return [.. ranges];
    }

    /// <summary>The ranges as the node states them, but axes counted from the front. Null when one is computed, or the rank is unknown.</summary>
    internal static SliceRange[]? StatedBy(Node slice, RuleContext context)
    {
        if (context.RankOf(slice.Input(0)!) is not { } rank
            || StatedIntegers.Of(slice, "starts", 1) is not { } starts || StatedIntegers.Of(slice, "ends", 2) is not { } ends || starts.Length != ends.Length)
        {
            return null;
        }

        long[]? axes = slice.Input(3) is null && !slice.Has("axes") ? [.. Enumerable.Range(0, starts.Length).Select(i => (long)i)] : StatedIntegers.Of(slice, "axes", 3);
        long[]? steps = slice.Input(4) is null ? [.. starts.Select(_ => 1L)] : StatedIntegers.Of(slice.Input(4));
        if (axes is null || steps is null || axes.Length != starts.Length || steps.Length != starts.Length)
        {
            return null;
        }

        SliceRange[] ranges = [.. axes.Select((axis, i) => new SliceRange(slice, axis < 0 ? axis + rank : axis, starts[i], ends[i], steps[i]))];
        return ranges.All(range => range.Axis >= 0 && range.Axis < rank) ? ranges : null;
    }
}
