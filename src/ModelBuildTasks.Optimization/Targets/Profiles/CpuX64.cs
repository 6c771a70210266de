using System.Runtime.InteropServices;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Targets;

public static partial class TargetProfiles
{
    /// <summary>
    /// x64 with VNNI, which adds four products in 32 bits (VPDPBUSD): unsigned activations with signed weights is the form whose kernel is fast, and 8-bit weights do not saturate
    /// (Intel SDM, volume 2; mlas/lib/platform.cpp). Without VNNI accessors ask for exact products.
    /// </summary>
    /// <remarks>Operators, types, layouts and versions are those of <see cref="Cpu"/>.</remarks>
    public static TargetProfile CpuX64 { get; } = new()
    {
        Name = "cpu-x64",
        Architecture = Architecture.X64,
        ExecutionProvider = TargetProfile.CpuProvider,
        Activations = ElementType.UInt8,
        FusesQuantizedOperators = true,
        PackedWeightBits = [2, 4, 8],
    };
}
