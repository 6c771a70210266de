using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Targets;

namespace ModelBuildTasks.Optimization.Quantization;

/// <summary>
/// Integers that a model brought along. Where a layer that was left in float reads or makes them, its own integers are those: no value is quantized twice.
/// </summary>
internal static class ArrivedQuantization
{
    /// <summary>The integers behind a value that the model dequantizes, where the target's kernels take them as they are; null otherwise.</summary>
    internal static QuantizationParameters? Of(Value value, TargetProfile target) =>
        value.Producer is { OpType: "DequantizeLinear", Domain: "" } dequantize && dequantize.Input(0) is { Constant: null } ? ParametersOf(dequantize, target) : null;

    /// <summary>
    /// Whether the model turns a value into integers whose lowest and highest code do not do the work of the clamp that gives it. ONNX Runtime then computes the
    /// layer in front of the clamp in float, from weights that it dequantizes at every run.
    /// </summary>
    /// <param name="clamped">What a Relu or Clip between zero and <paramref name="bound"/> gives.</param>
    internal static bool LeavesClamp(Value clamped, float bound, TargetProfile target) =>
        Quantizes(clamped) && !clamped.Uses.All(use => ParametersOf(use.Node, target)?.Clamps(bound) ?? false);

    /// <param name="conversion">A QuantizeLinear or DequantizeLinear.</param>
    private static QuantizationParameters? ParametersOf(Node conversion, TargetProfile target)
    {
        if (conversion.Input(1)?.Constant is not { ElementType: ElementType.Float, Length: 1 } scale
            || conversion.Input(2)?.Constant is not { Length: 1 } zeroPoint || zeroPoint.ElementType != target.Activations)
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
