using System.Numerics;
using System.Runtime.InteropServices;
using ModelBuildTasks.Onnx;
using Tensor = ModelBuildTasks.Onnx.Tensor;

namespace ModelBuildTasks.Optimization.Quantization.WeightOnly;

/// <summary>
/// A weight in MatMulNBits' layout (ONNX Runtime, ContribOperators.md): the codes of each block of each output stand together, the first in the low bits
/// of the first byte; the last block of an output is filled up with zero points.
/// </summary>
internal sealed class BlockedWeight
{
    private readonly byte[] codes;
    private readonly float[] scales;
    private readonly byte[] zeroPoints;

    internal BlockedWeight(BlockFormat format, int inputs, int outputs)
    {
        Format = format;
        Inputs = inputs;
        Outputs = outputs;
        Blocks = format.Blocks(inputs);
        codes = new byte[checked(outputs * Blocks * format.BlockBytes)];
        scales = new float[outputs * Blocks];
        zeroPoints = new byte[format.IsSymmetric ? 0 : outputs * format.ZeroPointBytes(Blocks)];
    }

    internal BlockFormat Format { get; }

    internal int Inputs { get; }

    internal int Outputs { get; }

    /// <summary>Blocks of each output.</summary>
    internal int Blocks { get; }

    /// <summary>UInt8 [outputs, blocks, bytes of a block].</summary>
    internal Tensor Codes => Tensor.Create([Outputs, Blocks, Format.BlockBytes], codes);

    /// <summary>Float [outputs, blocks].</summary>
    internal Tensor Scales => Tensor.Create([Outputs, Blocks], scales);

    /// <summary>UInt8 [outputs, bytes of an output's zero points]; null for symmetric codes.</summary>
    internal Tensor? ZeroPoints => Format.IsSymmetric ? null : Tensor.Create([Outputs, Format.ZeroPointBytes(Blocks)], zeroPoints);

    /// <summary>Stores one block of the outputs of one lane group. Different lane groups may be stored from different threads.</summary>
    /// <param name="blockCodes">Whole numbers, one for each input of the block.</param>
    internal void Store(int laneGroup, int block, BlockScale scale, ReadOnlySpan<Vector<float>> blockCodes)
    {
        int firstOutput = laneGroup * Vector<float>.Count;
        int lanes = Math.Min(Vector<float>.Count, Outputs - firstOutput);
        int perByte = 8 / Format.Bits;
        ReadOnlySpan<float> elements = MemoryMarshal.Cast<Vector<float>, float>(blockCodes);
        for (int lane = 0; lane < lanes; lane++)
        {
            int output = firstOutput + lane;
            int zeroPoint = (int)scale.ZeroPoint[lane];
            Span<byte> bytes = codes.AsSpan((output * Blocks + block) * Format.BlockBytes, Format.BlockBytes);
            for (int i = 0; i < Format.BlockSize; i++)
            {
                int code = i < blockCodes.Length ? (int)elements[i * Vector<float>.Count + lane] : zeroPoint;
                bytes[i / perByte] |= (byte)(code << (i % perByte * Format.Bits));
            }

            scales[output * Blocks + block] = scale.Scale[lane];
            if (!Format.IsSymmetric)
            {
                zeroPoints[output * Format.ZeroPointBytes(Blocks) + block / perByte] |= (byte)(zeroPoint << (block % perByte * Format.Bits));
            }
        }
    }

    /// <summary>The weights that the codes stand for, [inputs, outputs].</summary>
    internal float[] ToSingles()
    {
        float[] result = new float[Inputs * Outputs];
        int perByte = 8 / Format.Bits;
        for (int output = 0; output < Outputs; output++)
        {
            for (int input = 0; input < Inputs; input++)
            {
                int block = input / Format.BlockSize;
                int place = input % Format.BlockSize;
                int code = codes[(output * Blocks + block) * Format.BlockBytes + place / perByte] >> (place % perByte * Format.Bits) & Format.LargestCode;
                int zeroPoint = Format.IsSymmetric
                    ? Format.MiddleCode
                    : zeroPoints[output * Format.ZeroPointBytes(Blocks) + block / perByte] >> (block % perByte * Format.Bits) & Format.LargestCode;
                result[input * Outputs + output] = scales[output * Blocks + block] * (code - zeroPoint);
            }
        }

        return result;
    }
}
