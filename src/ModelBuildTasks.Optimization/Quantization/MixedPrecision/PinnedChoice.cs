using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Quantization.MixedPrecision;

/// <summary>What <see cref="MixedPrecisionSearch"/> found once, taken again without a search (<see cref="PassContext.Pinned"/>).</summary>
internal static class PinnedChoice
{
    /// <summary>The choice with exactly the pinned nodes in float, as far as the ranges allow.</summary>
    /// <param name="start">What the search would start from.</param>
    /// <exception cref="Calibration.CalibrationException">A range cannot be told.</exception>
    internal static QuantizationChoice Of(CalibratedModel model, QuantizationChoice start, PinnedIntegers pinned)
    {
        FloatNodes inFloat = new();
        foreach (Node node in Known(model.Candidates, pinned))
        {
            inFloat.Add(node, start.InFloat.ReasonOf(node) ?? "the lock file keeps it in float");
        }

        if (inFloat.Nodes.SetEquals(start.InFloat.Nodes))
        {
            return start;
        }

        if (model.Candidates.IsForCpu)
        {
            // As the search does: observed in other company, a tensor may differ in its last bit, as the runtime then fuses other operators.
            model.ObserveAll(start.Selection);
        }

        return model.All(inFloat);
    }

    /// <summary>One sentence for each pinned name that means no node which integer kernels fit, as after an edit or of another form of the model.</summary>
    internal static IEnumerable<string> Unknown(QuantizationCandidates candidates, PinnedIntegers? pinned) => pinned is null ? []
        : pinned.FloatNodes.Except(Known(candidates, pinned).Select(node => node.Output.Name), StringComparer.Ordinal)
            .Select(name => $"The lock file keeps '{name}' in float, which is no node of the model that integer kernels fit; this is ignored.");

    private static IEnumerable<Node> Known(QuantizationCandidates candidates, PinnedIntegers pinned)
    {
        HashSet<string> names = new(pinned.FloatNodes, StringComparer.Ordinal);
        return candidates.Order.Where(node => node.Outputs.Count > 0 && names.Contains(node.Output.Name) && !candidates.Refusals.ContainsKey(node));
    }
}
