using System.Runtime.Intrinsics.X86;

namespace ModelBuildTasks.Inference;

/// <summary>
/// The instructions that add products of 8-bit integers in 32 bits. ONNX Runtime's kernels for x64 use them where the processor has them, and add pairs of
/// products in 16 bits elsewhere, which saturates (mlas/lib/platform.cpp).
/// </summary>
internal static class Vnni
{
    private const int ExtendedFeatures = 7;

    /// <summary>Bit of AVX512_VNNI in ECX of leaf 7, sub-leaf 0 (Intel SDM, volume 2, CPUID).</summary>
    private const int Avx512Vnni = 1 << 11;

    /// <summary>Bit of AVX-VNNI in EAX of leaf 7, sub-leaf 1.</summary>
    private const int AvxVnni = 1 << 4;

    /// <summary>Whether this is an x64 processor without them.</summary>
    internal static bool IsMissing { get; } = X86Base.IsSupported && !IsPresent();

    private static bool IsPresent()
    {
        if (X86Base.CpuId(0, 0).Eax < ExtendedFeatures)
        {
            return false;
        }

        (int lastSubleaf, _, int features, _) = X86Base.CpuId(ExtendedFeatures, 0);
        return (features & Avx512Vnni) != 0 || (lastSubleaf >= 1 && (X86Base.CpuId(ExtendedFeatures, 1).Eax & AvxVnni) != 0);
    }
}
