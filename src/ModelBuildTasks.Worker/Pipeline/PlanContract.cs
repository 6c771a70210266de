using ModelBuildTasks.Contracts;
using ModelBuildTasks.Optimization;

namespace ModelBuildTasks.Worker.Pipeline;

/// <summary>The plan of a quantization as results carry it.</summary>
internal static class PlanContract
{
    internal static QuantizationDecisions Of(QuantizationPlan plan)
    {
        QuantizationDecisions decisions = new() { SignalToNoise = plan.SignalToNoise };
        foreach (PlannedOutput output in plan.Outputs)
        {
            decisions.Outputs.Add(new QuantizedOutput { Name = output.Name, SignalToNoise = output.SignalToNoise });
        }

        foreach (PlannedLayer layer in plan.Layers)
        {
            decisions.Layers.Add(new QuantizedLayer
            {
                Name = layer.Name,
                IsInteger = layer.IsInteger,
                WeightBits = layer.WeightBits,
                SignalToNoise = layer.SignalToNoise,
                Sensitivity = layer.Sensitivity,
                Reason = layer.Reason,
                Weights = layer.Weights is { } weights ? Of(weights.Numbers, weights.NarrowestChannel, weights.WidestChannel) : null,
            });
        }

        foreach (PlannedTensor tensor in plan.Tensors)
        {
            decisions.Tensors.Add(new QuantizedTensor
            {
                Name = tensor.Name,
                Lowest = tensor.Lowest,
                Highest = tensor.Highest,
                Scale = tensor.Scale,
                ZeroPoint = tensor.ZeroPoint,
                Method = tensor.Method,
                Error = tensor.Noise?.Error,
                SignalToNoise = tensor.Noise?.Decibels,
                Distribution = tensor.Distribution is { } numbers ? Of(numbers) : null,
            });
        }

        return decisions;
    }

    private static NumberDistribution Of(NumberHistogram numbers, double? narrowest = null, double? widest = null) =>
        new() { Lowest = numbers.Lowest, Width = numbers.Width, Counts = numbers.Counts, NarrowestChannel = narrowest, WidestChannel = widest };
}
