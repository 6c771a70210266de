using System.Text;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Conversion;

/// <summary>
/// y = If(condition, Squeeze(x, 0), Squeeze(x, 2)) of operator set 11, x[1, 3, 1]: written field by field (onnx.proto), since a
/// model in memory cannot be given new branches.
/// </summary>
internal static class IfModel
{
    internal static Model Parse()
    {
        byte[] then = Attribute("then_branch", 5, Message(6, Branch("first", 0)));
        byte[] otherwise = Attribute("else_branch", 5, Message(6, Branch("second", 2)));
        byte[] branch = [.. Text(1, "condition"), .. Text(2, "y"), .. Text(3, "choice"), .. Text(4, "If"), .. Message(5, then), .. Message(5, otherwise)];
        byte[] graph = [.. Message(1, branch), .. Text(2, "test"), .. Message(11, Info("condition", 9)), .. Message(11, Info("x", 1, 1, 3, 1)), .. Message(12, Info("y", 1))];
        return Model.Parse((byte[])[.. Number(1, 6), .. Message(7, graph), .. Message(8, [.. Text(1, ""), .. Number(2, 11)])]);
    }

    private static byte[] Branch(string name, byte axis)
    {
        byte[] squeeze = [.. Text(1, "x"), .. Text(2, name), .. Text(4, "Squeeze"), .. Message(5, Attribute("axes", 7, Number(8, axis)))];
        return [.. Message(1, squeeze), .. Text(2, name), .. Message(12, Info(name, 1))];
    }

    private static byte[] Attribute(string name, byte type, byte[] value) => [.. Text(1, name), .. value, .. Number(20, type)];

    private static byte[] Info(string name, byte elementType, params byte[] sizes)
    {
        byte[] shape = [.. sizes.SelectMany(size => Message(1, Number(1, size)))];
        bool scalar = elementType == (byte)ElementType.Bool;
        byte[] tensor = [.. Number(1, elementType), .. sizes.Length > 0 || scalar ? Message(2, shape) : []];
        return [.. Text(1, name), .. Message(2, Message(1, tensor))];
    }

    private static byte[] Text(int field, string text) => Message(field, Encoding.UTF8.GetBytes(text));

    private static byte[] Message(int field, byte[] content) => [.. Varint((field << 3) | 2), .. Varint(content.Length), .. content];

    private static byte[] Number(int field, byte value) => [.. Varint(field << 3), .. Varint(value)];

    private static byte[] Varint(int value) => value < 128 ? [(byte)value] : [(byte)(value | 128), .. Varint(value >> 7)];
}
