using System.Buffers.Binary;
using System.Text;

namespace ModelBuildTasks.Inference;

/// <summary>
/// Finds its way in a flat buffer (FlatBuffers, "Internals"): a table begins with the distance back to its list of fields, which has the offset of each, 0 where it is absent; vectors and
/// strings begin with their length; what refers to them has the distance. Damage shows as an <see cref="ArgumentOutOfRangeException"/> or <see cref="OverflowException"/>.
/// </summary>
internal sealed class FlatBuffer(byte[] bytes)
{
    internal int Root => Follow(0);

    /// <summary>The place of a table's list of fields.</summary>
    internal int Fields(int table) => checked(table - Int(table));

    /// <summary>Where the field of a table is; null where it has none.</summary>
    internal int? Field(int table, int index)
    {
        int fields = Fields(table);
        int place = checked(fields + ((2 + index) * sizeof(ushort)));
        return place < fields + Short(fields) && Short(place) is var offset and > 0 ? checked(table + offset) : null;
    }

    /// <summary>The table that a field refers to.</summary>
    /// <exception cref="FormatException">There is none.</exception>
    internal int Table(int table, int index) => Field(table, index) is { } field ? Follow(field) : throw new FormatException("A part is missing.");

    /// <summary>The places that a vector of tables or of strings refers to.</summary>
    internal IEnumerable<int> Items(int table, int index)
    {
        if (Field(table, index) is not { } field)
        {
            yield break;
        }

        int vector = Follow(field);
        int count = Int(vector);
        for (int i = 1; i <= count; i++)
        {
            yield return Follow(checked(vector + (i * sizeof(uint))));
        }
    }

    internal string Text(int table, int index) => Field(table, index) is { } field ? TextAt(Follow(field)) : "";

    private string TextAt(int place) => Encoding.UTF8.GetString(bytes.AsSpan(checked(place + sizeof(uint)), Int(place)));

    /// <summary>A number of 32 bits, which is 0 where the table has none.</summary>
    internal int Number(int table, int index) => Field(table, index) is { } field ? Int(field) : 0;

    /// <summary>A number of 8 bits, which is 0 where the table has none.</summary>
    internal byte Byte(int table, int index) => Field(table, index) is { } field ? bytes.AsSpan(field)[0] : (byte)0;

    private int Follow(int place) => checked((int)(place + BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(place))));

    private int Int(int place) => BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(place));

    private int Short(int place) => BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(place));
}
