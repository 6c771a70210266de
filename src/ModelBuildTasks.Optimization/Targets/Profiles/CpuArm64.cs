using System.Runtime.InteropServices;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Targets;

public static partial class TargetProfiles
{
    /// <summary>
    /// ARM64: the dot product instructions (SDOT, UDOT; Arm ARM, C7.2) and, before Armv8.2, the widening ones accumulate in 32 bits, so 8-bit weights never saturate. Both signs of
    /// activations have kernels (mlas/lib/qgemm_kernel_udot.cpp, qgemm_kernel_sdot.cpp); unsigned ones are what all CPU profiles share.
    /// </summary>
    /// <remarks>
    /// Operators, layouts and versions are those of <see cref="Cpu"/>. Where the processor computes float16, the runtime has float16 kernels of few operators
    /// (MLAS_F16VEC_INTRINSICS_SUPPORTED); the others stand between casts, so that float16 does not pay.
    /// </remarks>
    public static TargetProfile CpuArm64 { get; } = new()
    {
        Name = "cpu-arm64",
        Architecture = Architecture.Arm64,
        ExecutionProvider = TargetProfile.CpuProvider,
        Activations = ElementType.UInt8,
        FusesQuantizedOperators = true,
        PackedWeightBits = [2, 4, 8],
    };
}
