using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Quantization.MixedPrecision;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>Writes a choice down as the plan that reports show. It must be asked before the model is changed.</summary>
internal static class PlanRecord
{
    /// <summary>Numbers that are rounded to the nearest of evenly spaced codes are off by the step times this on average (root of the mean square).</summary>
    private static readonly float RoundingError = (float)(1 / Math.Sqrt(12));

    internal static QuantizationPlan Of(QuantizationCandidates candidates, QuantizationChoice choice, OutputNoise? noise) => new(
        noise?.SignalToNoise,
        [.. (noise?.Parts ?? []).Select(part => new PlannedOutput(part.Name, part.Decibels))],
        [.. candidates.Order.Where(QuantizableOperators.IsLayer).Select(layer => PlanOf(layer, candidates, choice))],
        [.. Tensors(choice.Selection).Distinct().Select(value => PlanOf(value, choice.Scales[value]))]);

    private static PlannedLayer PlanOf(Node layer, QuantizationCandidates candidates, QuantizationChoice choice) =>
        choice.Selection.Contains(layer)
            ? new PlannedLayer(LinearLayer.Describe(layer), IsInteger: true, Reason: null)
            : new PlannedLayer(LinearLayer.Describe(layer), IsInteger: false, choice.InFloat.ReasonOf(layer) ?? candidates.Refusals.GetValueOrDefault(layer));

    private static PlannedTensor PlanOf(Value value, QuantizationParameters parameters) =>
        new(value.Name, parameters.Lowest, parameters.Highest, parameters.Scale, parameters.ZeroPoint, parameters.Scale * RoundingError);

    private static IEnumerable<Value> Tensors(NodeSelection selection)
    {
        foreach (Node node in selection.Nodes)
        {
            foreach (int index in QuantizableOperators.DataInputs(node))
            {
                yield return node.Input(index)!;
            }

            if (selection.GivesIntegers(node))
            {
                yield return selection.ResultOf(node);
            }
        }
    }
}
