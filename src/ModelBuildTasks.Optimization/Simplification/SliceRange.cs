using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>What a Slice takes along one axis of fixed size: elements Start, Start + Step, … before End, both counted from the front and inside the axis.</summary>
/// <param name="Slice">The node.</param>
/// <param name="Axis">The axis, not negative.</param>
/// <param name="Start">The first element.</param>
/// <param name="End">One past the last element; not below <paramref name="Start"/>.</param>
/// <param name="Step">At least 1.</param>
internal readonly record struct SliceRange(Node Slice, long Axis, long Start, long End, long Step)
{
    internal static bool IsSlice(Node node) => node is { OpType: "Slice", Domain: "" };

    /// <summary>
    /// The axes on which a Slice leaves something out. Null when starts, ends, axes or steps are computed, a step is negative, or an
    /// axis that may be cut has no fixed size.
    /// </summary>
    internal static SliceRange[]? AllOf(Node slice, RuleContext context)
    {
        if (context.TypeOf(slice.Input(0)!)?.Shape is not { } shape
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

        List<SliceRange> ranges = [];
        for (int i = 0; i < starts.Length; i++)
        {
            long axis = axes[i] < 0 ? axes[i] + shape.Count : axes[i];
            if (axis < 0 || axis >= shape.Count || steps[i] < 1)
            {
                return null;
            }

            // Exporters write the end of an open slice as the largest 32- or 64-bit number.
            if (starts[i] == 0 && ends[i] >= int.MaxValue && steps[i] == 1)
            {
                continue;
            }

            if (shape[(int)axis].Size is not { } size)
            {
                return null;
            }

            long start = Math.Clamp(starts[i] < 0 ? starts[i] + size : starts[i], 0, size);
            long end = Math.Clamp(ends[i] < 0 ? ends[i] + size : ends[i], start, size);
            if (start > 0 || end < size || steps[i] > 1)
            {
                ranges.Add(new SliceRange(slice, axis, start, end, steps[i]));
            }
        }

        return [.. ranges];
    }
}
