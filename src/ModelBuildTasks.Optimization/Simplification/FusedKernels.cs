using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>Where ONNX Runtime has kernels for operators that stand for a whole formula: its CPU provider computes few of them in other types.</summary>
internal static class FusedKernels
{
    /// <summary>Whether the value has such a type: float32, and float16 where the hardware computes it.</summary>
    internal static bool Take(Value value, RuleContext context) => context.TypeOf(value)?.ElementType switch
    {
        ElementType.Float => true,
        ElementType.Float16 => context.Target.ComputesFloat16,
        _ => false,
    };
}
