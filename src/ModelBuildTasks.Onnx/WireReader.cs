namespace ModelBuildTasks.Onnx;

/// <summary>One field of a serialized message.</summary>
/// <param name="Number">The field's number.</param>
/// <param name="IsMessage">Whether it is length-delimited: a message, text or bytes.</param>
/// <param name="LengthStart">Where its length stands; meaningful when <paramref name="IsMessage"/>.</param>
/// <param name="Start">Where its content starts.</param>
/// <param name="End">Where its content ends.</param>
internal readonly record struct WireField(int Number, bool IsMessage, int LengthStart, int Start, int End);

/// <summary>
/// Walks over the fields of one serialized message (https://protobuf.dev/programming-guides/encoding) without decoding them. Protobuf's own
/// CodedInputStream reads arrays and streams only, and would copy a mapped file.
/// </summary>
internal ref struct WireReader(ReadOnlySpan<byte> bytes, int start, int end)
{
    private const int LongestVarint = 10;
    private const int DeepestGroup = 100;

    private readonly ReadOnlySpan<byte> bytes = bytes;
    private readonly int end = end;
    private int position = start;

    private enum WireType { Varint, Fixed64, Bytes, GroupStart, GroupEnd, Fixed32 }

    /// <summary>The next field; null at the end of the message.</summary>
    /// <exception cref="InvalidDataException">The message ends inside a field.</exception>
    internal WireField? Next() => position < end ? Read(groups: 0) : null;

    private WireField Read(int groups)
    {
        uint tag = (uint)ReadVarint();
        int number = (int)(tag >> 3);
        int lengthStart = position;
        switch ((WireType)(tag & 7))
        {
            case WireType.Varint:
                ReadVarint();
                break;
            case WireType.Fixed64:
                Skip(8);
                break;
            case WireType.Fixed32:
                Skip(4);
                break;
            case WireType.Bytes:
                ulong length = ReadVarint();
                int contentStart = position;
                Skip(length);
                return new WireField(number, IsMessage: true, lengthStart, contentStart, position);
            case WireType.GroupStart:
                SkipGroup(groups);
                break;
            default:
                throw new InvalidDataException("A field has a kind that Protobuf does not know.");
        }

        return new WireField(number, IsMessage: false, lengthStart, lengthStart, position);
    }

    private void SkipGroup(int groups)
    {
        if (groups == DeepestGroup)
        {
            throw new InvalidDataException($"Groups are nested more than {DeepestGroup} deep.");
        }

        while (!IsAtGroupEnd())
        {
            Read(groups + 1);
        }

        ReadVarint();
    }

    private bool IsAtGroupEnd()
    {
        int here = position;
        WireType type = (WireType)(ReadVarint() & 7);
        position = here;
        return type == WireType.GroupEnd;
    }

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (int i = 0; i < LongestVarint; i++)
        {
            if (position == end)
            {
                throw new InvalidDataException("The message ends inside a number.");
            }

            byte part = bytes[position++];
            value |= (ulong)(part & 0x7F) << (7 * i);
            if (part < 0x80)
            {
                return value;
            }
        }

        throw new InvalidDataException($"A number has more than {LongestVarint} bytes.");
    }

    private void Skip(ulong count)
    {
        if (count > (ulong)(end - position))
        {
            throw new InvalidDataException("The message ends inside a field.");
        }

        position += (int)count;
    }
}
