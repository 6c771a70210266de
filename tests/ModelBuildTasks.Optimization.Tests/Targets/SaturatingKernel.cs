namespace ModelBuildTasks.Optimization.Tests.Targets;

/// <summary>
/// A dot product as processors without VNNI compute it: VPMADDUBSW multiplies unsigned activations by signed weights and adds neighbours in 16 bits, which saturate; VPMADDWD and VPADDD
/// add what comes of it in 32 bits (Intel SDM, volume 2; ONNX Runtime, mlas/lib/x86_64/QgemmU8X8KernelAvx2Common.inc).
/// </summary>
internal static class SaturatingKernel
{
    /// <summary>The sum in 32 bits, and the one that the kernel gives.</summary>
    internal static (int Exact, int Kernel) Dot(ReadOnlySpan<byte> activations, ReadOnlySpan<sbyte> weights)
    {
        (int exact, int kernel) = (0, 0);
        for (int k = 0; k < weights.Length; k += 2)
        {
            int pair = activations[k] * weights[k] + (k + 1 < weights.Length ? activations[k + 1] * weights[k + 1] : 0);
            exact += pair;
            kernel += Math.Clamp(pair, short.MinValue, short.MaxValue);
        }

        return (exact, kernel);
    }
}
