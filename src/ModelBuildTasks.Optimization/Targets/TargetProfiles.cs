using System.Runtime.InteropServices;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Targets;

/// <summary>The targets that projects can name.</summary>
public static class TargetProfiles
{
    /// <summary>
    /// Any processor. Weights have 7 bits: without the VNNI instructions, ONNX Runtime's unsigned-by-signed kernel adds pairs
    /// of products in 16 bits (VPMADDUBSW), which saturate at 255·127·2 but not at 255·64·2.
    /// </summary>
    public static TargetProfile Cpu { get; } = new()
    {
        Name = "cpu",
        ExecutionProvider = TargetProfile.CpuProvider,
        Activations = ElementType.UInt8,
        WeightBits = 7,
    };

    /// <summary>x64 with VNNI: unsigned activations with signed weights is the form whose kernel is fast.</summary>
    public static TargetProfile CpuX64 { get; } = Cpu with { Name = "cpu-x64", Architecture = Architecture.X64, WeightBits = 8 };

    /// <summary>ARM64: the dot product instructions accumulate in 32 bits, so 8-bit weights never saturate.</summary>
    public static TargetProfile CpuArm64 { get; } = Cpu with { Name = "cpu-arm64", Architecture = Architecture.Arm64, WeightBits = 8 };

    /// <summary>The CUDA execution provider: it has float16 kernels, and none for quantized convolutions or products (ONNX Runtime, OperatorKernels.md).</summary>
    public static TargetProfile Cuda { get; } = new()
    {
        Name = "cuda",
        ExecutionProvider = "CUDAExecutionProvider",
        ComputesFloat16 = true,
    };

    /// <summary>The TensorRT execution provider: int8 with zero point 0 for both activations and weights. Its parser knows standard operators; others would cut its graph.</summary>
    public static TargetProfile TensorRt { get; } = new()
    {
        Name = "tensorrt",
        ExecutionProvider = "TensorrtExecutionProvider",
        Activations = ElementType.Int8,
        SymmetricActivations = true,
        ComputesFloat16 = true,
        RunsContributedOperators = false,
    };

    /// <summary>All profiles.</summary>
    public static IReadOnlyList<TargetProfile> All { get; } = [Cpu, CpuX64, CpuArm64, Cuda, TensorRt];

    /// <summary>The profile of that name, ignoring case; null when there is none.</summary>
    public static TargetProfile? Find(string name) => All.FirstOrDefault(profile => string.Equals(profile.Name, name, StringComparison.OrdinalIgnoreCase));
}
