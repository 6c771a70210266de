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
                Reason = layer.Reason,
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
            });
        }

        return decisions;
    }
}
