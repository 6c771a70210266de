using System.Collections.Generic;

namespace ModelBuildTasks.Accessors;

/// <summary>How an ONNX element type appears in C#. <paramref name="OnnxRuntime"/> is its member of TensorElementType.</summary>
internal sealed record TensorElement(string CSharp, string OnnxRuntime)
{
    private const string Runtime = "global::Microsoft.ML.OnnxRuntime";

    // By the numbers of onnx.proto's TensorProto.DataType; complex, 8-bit float and 4-bit types have no C# type to hand out.
    private static readonly Dictionary<int, TensorElement> ByNumber = new()
    {
        [1] = new("float", "Float"),
        [2] = new("byte", "UInt8"),
        [3] = new("sbyte", "Int8"),
        [4] = new("ushort", "UInt16"),
        [5] = new("short", "Int16"),
        [6] = new("int", "Int32"),
        [7] = new("long", "Int64"),
        [8] = new("string", "String"),
        [9] = new("bool", "Bool"),
        [10] = new($"{Runtime}.Float16", "Float16"),
        [11] = new("double", "Double"),
        [12] = new("uint", "UInt32"),
        [13] = new("ulong", "UInt64"),
        [16] = new($"{Runtime}.BFloat16", "BFloat16"),
    };

    public bool IsString => CSharp == "string";

    /// <summary>Null when the type can't be handed out as a span.</summary>
    public static TensorElement? Find(int number) => ByNumber.TryGetValue(number, out var element) ? element : null;
}
