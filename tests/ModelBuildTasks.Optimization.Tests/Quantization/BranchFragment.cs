using System.Text;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Tests.Quantization;

/// <summary>
/// Gives a model an If whose branches read a value of the main graph, and whose result is a second output. Written as protobuf by hand, because
/// messages join when their bytes follow each other: repeated fields are appended (protobuf encoding, "Last One Wins").
/// </summary>
internal static class BranchFragment
{
    internal static Model Append(Model model, string captured)
    {
        byte[] condition = [.. Field(1, [.. Field(2, "condition"), .. Field(4, "Constant"), .. Field(5, ConstantTrue())])];
        byte[] choice = Field(1,
        [
            .. Field(1, "condition"), .. Field(2, "chosen"), .. Field(4, "If"),
            .. Field(5, Branch("then_branch", captured, "Relu")), .. Field(5, Branch("else_branch", captured, "Neg")),
        ]);
        byte[] output = Field(12, [.. Field(1, "chosen"), .. FloatType()]);
        return Model.Parse((byte[])[.. model.ToBytes(), .. Field(7, [.. condition, .. choice, .. output])]);
    }

    /// <summary>AttributeProto: name = 1, g = 6, type = 20 (GRAPH = 5).</summary>
    private static byte[] Branch(string name, string captured, string opType)
    {
        string result = $"{name}_result";
        byte[] node = Field(1, [.. Field(1, captured), .. Field(2, result), .. Field(4, opType)]);
        return [.. Field(1, name), .. Field(6, [.. node, .. Field(2, name), .. Field(12, [.. Field(1, result), .. FloatType()])]), .. Number(20, 5)];
    }

    /// <summary>AttributeProto: t = 5, type TENSOR = 4; TensorProto: data_type = 2 (BOOL = 9), raw_data = 9.</summary>
    private static byte[] ConstantTrue() => [.. Field(1, "value"), .. Field(5, [.. Number(2, 9), .. Field(9, [1])]), .. Number(20, 4)];

    /// <summary>ValueInfoProto: type = 2; TypeProto: tensor_type = 1; elem_type = 1 (FLOAT = 1).</summary>
    private static byte[] FloatType() => Field(2, Field(1, Number(1, 1)));

    private static byte[] Field(int number, string text) => Field(number, Encoding.UTF8.GetBytes(text));

    private static byte[] Field(int number, byte[] content) => [.. Varint((number << 3) | 2), .. Varint(content.Length), .. content];

    private static byte[] Number(int number, int value) => [.. Varint(number << 3), .. Varint(value)];

    private static IEnumerable<byte> Varint(int value)
    {
        for (; value >= 128; value >>= 7)
        {
            yield return (byte)(value | 128);
        }

        yield return (byte)value;
    }
}
