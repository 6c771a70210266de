using System;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace ModelBuildTasks.Contracts.Protobuf;

/// <summary>
/// Walks the fields of a protobuf message in a file, seeking over those that nobody asks for, so that a model's weights are never
/// read. No declared length is believed beyond the message around it. Wire format: https://protobuf.dev/programming-guides/encoding.
/// </summary>
internal sealed class ProtobufReader(Stream stream)
{
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int LengthDelimited = 2;
    private const int Fixed32 = 5;
    private const int LongestName = 64 * 1024;

    /// <summary>One field: its number, and a varint's value or the length of what follows in the stream.</summary>
    public readonly struct Field(int number, bool isMessage, ulong value, long end)
    {
        public int Number { get; } = number;

        /// <summary>Whether the field has a length: a message, a string, bytes or packed numbers.</summary>
        public bool IsMessage { get; } = isMessage;

        public ulong Value { get; } = value;

        /// <summary>Position after the field.</summary>
        public long End { get; } = end;
    }

    /// <summary>The fields up to <paramref name="end"/>; what the caller leaves unread of a field is skipped.</summary>
    /// <exception cref="ProtobufException">The bytes are no message, or it ends early.</exception>
    public IEnumerable<Field> Fields(long end)
    {
        while (stream.Position < end)
        {
            var field = ReadField(end);
            yield return field;
            if (stream.Position != field.End)
            {
                stream.Position = field.End;
            }
        }
    }

    /// <exception cref="ProtobufException">The text is longer than any name may be.</exception>
    public string ReadString(Field field)
    {
        var length = field.End - stream.Position;
        if (length > LongestName)
        {
            throw new ProtobufException(isTruncated: false, $"a name has {length} bytes");
        }

        var bytes = new byte[length];
        for (var read = 0; read < bytes.Length;)
        {
            var count = stream.Read(bytes, read, bytes.Length - read);
            read += count > 0 ? count : throw new ProtobufException(isTruncated: true, "the file ends inside a name");
        }

        return Encoding.UTF8.GetString(bytes);
    }

    private Field ReadField(long end)
    {
        var tag = ReadVarint(end);
        var number = tag >> 3;
        if (number is 0 or > int.MaxValue)
        {
            throw new ProtobufException(isTruncated: false, $"byte {stream.Position} starts no protobuf field");
        }

        switch ((int)(tag & 7))
        {
            case Varint:
                var value = ReadVarint(end);
                return new Field((int)number, isMessage: false, value, stream.Position);
            case Fixed64:
                return Sized(number, sizeof(ulong), isMessage: false, end);
            case Fixed32:
                return Sized(number, sizeof(uint), isMessage: false, end);
            case LengthDelimited:
                return Sized(number, ReadVarint(end), isMessage: true, end);
            default:
                throw new ProtobufException(isTruncated: false, $"byte {stream.Position} has an unknown wire type");
        }
    }

    private Field Sized(ulong number, ulong length, bool isMessage, long end)
    {
        var left = end - stream.Position;
        return length <= (ulong)left ? new Field((int)number, isMessage, length, stream.Position + (long)length)
            : throw new ProtobufException(isTruncated: true, $"a field at byte {stream.Position} declares {length} bytes where {left} are left");
    }

    private ulong ReadVarint(long end)
    {
        const int mostBits = 64;
        ulong value = 0;
        for (var shift = 0; shift < mostBits; shift += 7)
        {
            var next = stream.Position < end ? stream.ReadByte() : -1;
            if (next < 0)
            {
                throw new ProtobufException(isTruncated: true, $"the file ends inside a number at byte {stream.Position}");
            }

            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw new ProtobufException(isTruncated: false, $"the number at byte {stream.Position} does not end");
    }
}
