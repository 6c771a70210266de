namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>
/// How MatMulNBits stores a weight (ONNX Runtime, ContribOperators.md): unsigned codes of a few bits in blocks along the inputs, each block of each
/// output with a scale and a zero point, w ≈ scale·(code − zero point).
/// </summary>
/// <param name="Bits">Bits of a code: 2, 4 or 8, for which the CPU execution provider has kernels.</param>
/// <param name="BlockSize">Inputs that share a scale: a power of two from 16 to 256.</param>
/// <param name="IsSymmetric">Whether every zero point is the middle code, which then need not be stored.</param>
public sealed record BlockFormat(int Bits, int BlockSize, bool IsSymmetric)
{
    private const int SmallestBlock = 16;
    private const int LargestBlock = 256;

    /// <summary>Whether only the codes next to the middle one are used, as −1 and +1: XNOR-Net (Rastegari et al., 2016).</summary>
    public bool IsBinary { get; private init; }

    /// <summary>Signs, carried by the fewest bits in which the runtime computes.</summary>
    public static BlockFormat Binary(int blockSize) => new(BinaryScaling.CarrierBits, blockSize, IsSymmetric: true) { IsBinary = true };

    public int Bits { get; } = Bits is 2 or 4 or 8 ? Bits : throw new ArgumentOutOfRangeException(nameof(Bits), Bits, "Kernels exist for 2, 4 and 8 bits.");

    public int BlockSize { get; private init; } = BlockSize is >= SmallestBlock and <= LargestBlock && int.IsPow2(BlockSize)
        ? BlockSize
        : throw new ArgumentOutOfRangeException(nameof(BlockSize), BlockSize, $"A block has a power of two of weights, from {SmallestBlock} to {LargestBlock}.");

    /// <summary>The largest code; the smallest is 0.</summary>
    internal int LargestCode => (1 << Bits) - 1;

    /// <summary>The zero point of symmetric codes, and MatMulNBits' default.</summary>
    internal int MiddleCode => 1 << (Bits - 1);

    internal int BlockBytes => BlockSize * Bits / 8;

    /// <summary>The number of blocks that cover <paramref name="inputs"/> weights of one output; the last is filled up.</summary>
    internal int Blocks(int inputs) => (inputs + BlockSize - 1) / BlockSize;

    /// <summary>Bytes that the zero points of one output take, packed as codes are.</summary>
    internal int ZeroPointBytes(int blocks) => (blocks * Bits + 7) / 8;

    /// <summary>The same with blocks no longer than <paramref name="inputs"/> weights need.</summary>
    internal BlockFormat For(int inputs) => this with { BlockSize = Math.Min(BlockSize, (int)Math.Max(SmallestBlock, System.Numerics.BitOperations.RoundUpToPowerOf2((uint)inputs))) };

    /// <summary>Bytes that a weight takes: codes, float32 scales, zero points.</summary>
    internal long Bytes(long inputs, long outputs)
    {
        int blocks = Blocks((int)inputs);
        return outputs * ((long)blocks * (BlockBytes + sizeof(float)) + (IsSymmetric ? 0 : ZeroPointBytes(blocks)));
    }
}
