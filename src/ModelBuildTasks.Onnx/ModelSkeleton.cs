using System.Buffers.Binary;
using Google.Protobuf;
using ModelBuildTasks.Contracts.Protobuf;
using ModelBuildTasks.Onnx.Schema;
using Message = ModelBuildTasks.Contracts.Protobuf.TensorPaths.Message;

namespace ModelBuildTasks.Onnx;

/// <summary>
/// A serialized model in which a reference stands for the bytes of each <c>raw_data</c>, so that Protobuf, which copies every
/// field that it reads, gets to copy 16 bytes a weight. Everything else is as in the model, byte for byte; only the lengths of
/// the enclosing messages change.
/// </summary>
internal sealed class ModelSkeleton
{
    /// <summary>Offset and length in the model, 8 bytes each. Every <c>raw_data</c> becomes one, so none can be mistaken for another.</summary>
    private const int ReferenceLength = 16;

    /// <summary>A length that is filled in later, as a varint of always as many bytes.</summary>
    private const int LengthBytes = 5;

    /// <summary>Protobuf's own limit of nested messages.</summary>
    private const int Deepest = 100;

    private readonly MemoryStream skeleton;

    private ModelSkeleton(MemoryStream skeleton) => this.skeleton = skeleton;

    /// <summary>The skeleton of a serialized model.</summary>
    /// <exception cref="InvalidDataException">The bytes end inside a message, or nest messages deeper than Protobuf reads them.</exception>
    internal static ReadOnlySpan<byte> Of(ReadOnlySpan<byte> model)
    {
        using MemoryStream skeleton = new();
        new ModelSkeleton(skeleton).Copy(Message.Model, model, 0, model.Length, depth: 0);
        return skeleton.GetBuffer().AsSpan(0, (int)skeleton.Length);
    }

    /// <summary>Puts the weights of <paramref name="model"/> where a parsed skeleton refers to them. Nothing is copied.</summary>
    internal static void Resolve(TensorProto tensor, ReadOnlyMemory<byte> model)
    {
        if (tensor.HasRawData)
        {
            ReadOnlySpan<byte> reference = tensor.RawData.Span;
            int offset = (int)BinaryPrimitives.ReadInt64LittleEndian(reference);
            int length = (int)BinaryPrimitives.ReadInt64LittleEndian(reference[8..]);
            tensor.RawData = UnsafeByteOperations.UnsafeWrap(model.Slice(offset, length));
        }
    }

    private void Copy(Message message, ReadOnlySpan<byte> model, int start, int end, int depth)
    {
        WireReader reader = new(model, start, end);
        int copied = start;
        while (reader.Next() is { } field)
        {
            if (!field.IsMessage || TensorPaths.Holds(message, field.Number) is not { } holds || holds == Message.ExternalEntry)
            {
                continue;
            }

            if (depth == Deepest)
            {
                throw new InvalidDataException($"Messages are nested more than {Deepest} deep.");
            }

            skeleton.Write(model[copied..field.LengthStart]);
            copied = field.End;
            long lengthAt = skeleton.Position;
            skeleton.Position += LengthBytes;
            if (holds == Message.RawData)
            {
                WriteReference(field.Start, field.End - field.Start);
            }
            else
            {
                Copy(holds, model, field.Start, field.End, depth + 1);
            }

            long contentEnd = skeleton.Position;
            skeleton.Position = lengthAt;
            WriteLength((uint)(contentEnd - lengthAt - LengthBytes));
            skeleton.Position = contentEnd;
        }

        skeleton.Write(model[copied..end]);
    }

    private void WriteReference(long offset, long length)
    {
        Span<byte> reference = stackalloc byte[ReferenceLength];
        BinaryPrimitives.WriteInt64LittleEndian(reference, offset);
        BinaryPrimitives.WriteInt64LittleEndian(reference[8..], length);
        skeleton.Write(reference);
    }

    private void WriteLength(uint length)
    {
        Span<byte> varint = stackalloc byte[LengthBytes];
        for (int i = 0; i < LengthBytes; i++)
        {
            varint[i] = (byte)((length & 0x7F) | (i == LengthBytes - 1 ? 0u : 0x80u));
            length >>= 7;
        }

        skeleton.Write(varint);
    }
}
