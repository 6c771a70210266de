using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// Integers that a model brought along. Where a layer that was left in float reads or makes them, its own integers are those: no value is quantized twice.
/// </summary>
internal static class ArrivedQuantization
{
    /// <summary>The integers behind a value that the model dequantizes, where the target's kernels take them as they are; null otherwise.</summary>
    internal static QuantizationParameters? Of(Value value, TargetProfile target)
    {
        if (value.Producer is not { OpType: "DequantizeLinear", Domain: "" } dequantize || dequantize.Input(0) is not { Constant: null }
            || dequantize.Input(1)?.Constant is not { ElementType: ElementType.Float, Length: 1 } scale
            || dequantize.Input(2)?.Constant is not { Length: 1 } zeroPoint || zeroPoint.ElementType != target.Activations)
        {
            return null;
        }

        QuantizationParameters parameters = new(scale.Span<float>()[0], (int)zeroPoint.ToSingles()[0], zeroPoint.ElementType);
        return float.IsFinite(parameters.Scale) && parameters.Scale > 0 && (parameters.ZeroPoint == 0 || !target.SymmetricActivations) ? parameters : null;
    }

    /// <summary>Whether the model itself turns a value into integers, and nothing else reads it.</summary>
    internal static bool Quantizes(Value value) =>
        !value.IsOutput && value.Uses.Count > 0 && value.Uses.All(use => use.Node is { OpType: "QuantizeLinear", Domain: "" } && use.Index == 0);
}
