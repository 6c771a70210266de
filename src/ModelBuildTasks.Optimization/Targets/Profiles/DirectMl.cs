namespace ModelBuildTasks.Optimization.Targets;

public static partial class TargetProfiles
{
    /// <summary>The DirectML execution provider, for any DirectX 12 device in Windows: all that <see cref="Conversion.Float16Operators"/> names has a float16 kernel there (ONNX Runtime, OperatorKernels.md).</summary>
    /// <remarks>
    /// Types: float16; it has no bfloat16, and whether its kernels for QLinearConv and QLinearMatMul gain anything was measured by none that we know. Layouts: its own; shapes that are fixed in the model
    /// give the faster kernels (DirectML execution provider, "Performance tuning"). Fusions: Gelu, FastGelu and MultiHeadAttention of com.microsoft have float16 kernels; its MatMulNBits takes no bias
    /// (DmlOperatorMatMulNBits.cpp), which packed products have inside, so that weights are not packed.
    /// Versions: operator sets up to 20 (DirectML 1.15.2); a newer one "is unsupported and will yield poor performance".
    /// </remarks>
    public static TargetProfile DirectMl { get; } = new()
    {
        Name = "directml",
        ExecutionProvider = "DmlExecutionProvider",
        ComputesFloat16 = true,
        NewestOpset = 20,
    };
}
