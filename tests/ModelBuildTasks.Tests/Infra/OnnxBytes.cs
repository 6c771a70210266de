using System.Text;

namespace ModelBuildTasks.Tests.Infra;

/// <summary>Writes the few ONNX messages that these tests need, by hand, so that the reader is not checked against itself.</summary>
internal static class OnnxBytes
{
    public const int Float = 1;
    public const int UInt8 = 2;
    public const int Integer64 = 7;
    public const int Text = 8;

    /// <summary>A model with an Identity node from its first input to its first output, and whatever else is given.</summary>
    public static byte[] Model(byte[][] inputs, byte[][] outputs, params byte[][] more) =>
        [.. Number(1, 8), .. Message(8, Number(2, 13)), .. Message(7, [.. Message(2, "g"), .. inputs.SelectMany(input => Message(11, input)), .. outputs.SelectMany(output => Message(12, output)), .. more.SelectMany(bytes => bytes)])];

    public static byte[] Identity(string from, string to) => Message(1, [.. Message(1, from), .. Message(2, to), .. Message(4, "Identity")]);

    /// <summary>A tensor value; a dimension is a long, a string, or null for unknown.</summary>
    public static byte[] Tensor(string name, int elementType, params object?[] dimensions) =>
        Value(name, Message(1, [.. Number(1, elementType), .. Message(2, [.. dimensions.SelectMany(Dimension)])]));

    public static byte[] TensorOfAnyRank(string name, int elementType) => Value(name, Message(1, Number(1, elementType)));

    /// <summary>sequence(tensor(float)).</summary>
    public static byte[] Sequence(string name) => Value(name, Message(4, Message(1, Message(1, Number(1, Float)))));

    public static byte[] Initializer(string name, byte[] rawData) => Message(5, [.. Number(1, rawData.Length), .. Number(2, UInt8), .. Message(8, name), .. Message(9, rawData)]);

    public static byte[] ExternalInitializer(string name, string location) =>
        Message(5, [.. Number(2, Float), .. Message(8, name), .. Message(13, [.. Message(1, "location"), .. Message(2, location)])]);

    public static byte[] Number(int field, long value) => [.. Varint((ulong)(field << 3)), .. Varint((ulong)value)];

    public static byte[] Message(int field, string text) => Message(field, Encoding.UTF8.GetBytes(text));

    public static byte[] Message(int field, byte[] content) => [.. Varint((ulong)((field << 3) | 2)), .. Varint((ulong)content.Length), .. content];

    private static byte[] Value(string name, byte[] type) => [.. Message(1, name), .. Message(2, type)];

    private static byte[] Dimension(object? dimension) => Message(1, dimension switch
    {
        string symbol => Message(2, symbol),
        null => [],
        _ => Number(1, Convert.ToInt64(dimension, System.Globalization.CultureInfo.InvariantCulture)),
    });

    private static IEnumerable<byte> Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            yield return (byte)(value | 0x80);
        }

        yield return (byte)value;
    }
}
