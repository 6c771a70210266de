using Google.Protobuf;
using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx.Tests;

/// <summary>Models as an exporter could have written them, made without the library's own graph.</summary>
internal static class Protos
{
    internal static ModelProto Model(params NodeProto[] nodes)
    {
        ModelProto model = new() { IrVersion = 8, Graph = new GraphProto { Name = "g" } };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = 17 });
        model.Graph.Input.Add(Info("x"));
        model.Graph.Node.AddRange(nodes);
        model.Graph.Output.Add(Info(nodes.Length == 0 ? "x" : nodes[^1].Output[0]));
        return model;
    }

    internal static NodeProto Node(string op, string[] inputs, params string[] outputs)
    {
        NodeProto node = new() { OpType = op };
        node.Input.AddRange(inputs);
        node.Output.AddRange(outputs);
        return node;
    }

    internal static ValueInfoProto Info(string name, params long[] shape)
    {
        TensorShapeProto dims = new();
        dims.Dim.AddRange(shape.Select(size => new TensorShapeProto.Types.Dimension { DimValue = size }));
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = 1, Shape = dims } } };
    }

    internal static TensorProto Floats(string name, params float[] values)
    {
        TensorProto tensor = new() { Name = name, DataType = 1 };
        tensor.Dims.Add(values.Length);
        tensor.FloatData.AddRange(values);
        return tensor;
    }

    internal static AttributeProto GraphAttribute(string name, GraphProto graph) => new() { Name = name, Type = 5, G = graph };

    /// <summary>The message that the library writes after reading <paramref name="model"/>.</summary>
    internal static ModelProto RoundTrip(ModelProto model) => ModelProto.Parser.ParseFrom(Onnx.Model.Parse(model.ToByteArray()).ToBytes());

    /// <summary>If(x): the then branch is given, the else branch returns a constant.</summary>
    internal static NodeProto If(string condition, GraphProto then, string output)
    {
        GraphProto otherwise = new() { Name = "else" };
        NodeProto constant = Node("Constant", [], "otherwise");
        constant.Attribute.Add(new AttributeProto { Name = "value_float", Type = 1, F = 0 });
        otherwise.Node.Add(constant);
        otherwise.Output.Add(Info("otherwise"));
        NodeProto node = Node("If", [condition], output);
        node.Attribute.Add(GraphAttribute("then_branch", then));
        node.Attribute.Add(GraphAttribute("else_branch", otherwise));
        return node;
    }

    /// <summary>Puts elements where the specification has them for this type when they are not in <c>raw_data</c>.</summary>
    internal static void AddTyped(TensorProto proto, ElementType type, byte[] bytes)
    {
        switch (type)
        {
            case ElementType.Float or ElementType.Complex64:
                proto.FloatData.AddRange(Cast<float>(bytes));
                break;
            case ElementType.Double or ElementType.Complex128:
                proto.DoubleData.AddRange(Cast<double>(bytes));
                break;
            case ElementType.Int64:
                proto.Int64Data.AddRange(Cast<long>(bytes));
                break;
            case ElementType.UInt64:
                proto.Uint64Data.AddRange(Cast<ulong>(bytes));
                break;
            case ElementType.UInt32:
                proto.Uint64Data.AddRange(Cast<uint>(bytes).Select(v => (ulong)v));
                break;
            case ElementType.Int32:
                proto.Int32Data.AddRange(Cast<int>(bytes));
                break;
            case ElementType.Int16:
                proto.Int32Data.AddRange(Cast<short>(bytes).Select(v => (int)v));
                break;
            case ElementType.UInt16 or ElementType.Float16 or ElementType.BFloat16:
                proto.Int32Data.AddRange(Cast<ushort>(bytes).Select(v => (int)v));
                break;
            default:
                proto.Int32Data.AddRange(bytes.Select(v => (int)v));
                break;
        }
    }

    private static T[] Cast<T>(byte[] bytes) where T : unmanaged => System.Runtime.InteropServices.MemoryMarshal.Cast<byte, T>(bytes).ToArray();
}
