using Google.Protobuf;
using Google.Protobuf.Reflection;
using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx.Tests;

/// <summary>
/// Models over the whole schema: any field may be set, and any message may have fields of a later specification. Only what makes
/// a model consistent is made on purpose: names that resolve, tensors that fit their shapes. The same seed gives the same model.
/// </summary>
internal sealed class RandomModel(int seed)
{
    /// <summary>Messages inside each other, where graphs may be among them, and where they are not.</summary>
    private const int Deepest = 4;
    private const int DeepestType = 8;

    /// <summary>Field numbers that no message of the schema has.</summary>
    private const int FirstUnknown = 900;

    private static readonly string[] Words = ["", "x", "weight", "größe", "層", "🧮", "a b", "ai.onnx", "com.example", new('n', 300)];

    private static readonly MessageDescriptor[] Wide =
        [GraphProto.Descriptor, NodeProto.Descriptor, AttributeProto.Descriptor, TensorProto.Descriptor, SparseTensorProto.Descriptor, ValueInfoProto.Descriptor];

    private readonly Random random = new(seed);
    private int names;

    internal ModelProto Make()
    {
        ModelProto model = (ModelProto)Fill(new ModelProto(), depth: 0);
        model.IrVersion = random.Next(3, 14);
        model.Graph = Graph(outer: [], depth: 1);
        if (model.OpsetImport.Count == 0)
        {
            model.OpsetImport.Add(new OperatorSetIdProto { Version = random.Next(1, 30) });
        }

        return model;
    }

    private GraphProto Graph(List<string> outer, int depth)
    {
        GraphProto graph = new() { Name = Word() };
        List<string> visible = [.. outer];
        for (int i = random.Next(3); i >= 0; i--)
        {
            graph.Input.Add(Info(NewName(visible), depth));
        }

        for (int i = random.Next(4); i > 0; i--)
        {
            bool isInput = random.Next(4) == 0 && i <= graph.Input.Count;
            graph.Initializer.Add(Tensor(isInput ? graph.Input[i - 1].Name : NewName(visible), depth));
        }

        for (int i = random.Next(2); i > 0; i--)
        {
            graph.SparseInitializer.Add(Sparse(NewName(visible), depth));
        }

        for (int i = random.Next(4); i > 0; i--)
        {
            NodeProto node = Node(visible, depth);
            if (graph.Node.Any(other => other.Name == node.Name))
            {
                // Names of nodes must differ, where they have any.
                node.Name = "";
            }

            graph.Node.Add(node);
        }

        for (int i = random.Next(3); i > 0; i--)
        {
            graph.ValueInfo.Add(Info(Pick(visible), depth));
        }

        foreach (string name in visible.OrderBy(_ => random.Next()).Take(random.Next(1, 3)).ToArray())
        {
            graph.Output.Add(Info(name, depth));
        }

        return (GraphProto)FillRest(graph, depth);
    }

    private NodeProto Node(List<string> visible, int depth)
    {
        NodeProto node = new() { OpType = Word() };
        for (int i = random.Next(4); i > 0; i--)
        {
            node.Input.Add(random.Next(4) == 0 ? "" : Pick(visible));
        }

        for (int i = random.Next(3); i > 0; i--)
        {
            AttributeProto attribute = new() { Name = $"attribute{i}" };
            if (depth < Deepest && random.Next(5) == 0)
            {
                attribute.G = Graph(visible, depth + 1);
            }

            if (depth < Deepest && random.Next(12) == 0)
            {
                attribute.Graphs.Add(Graph(visible, depth + 1));
                attribute.Graphs.Add(Graph(visible, depth + 1));
            }

            node.Attribute.Add((AttributeProto)FillRest(attribute, depth));
        }

        for (int i = random.Next(1, 3); i > 0; i--)
        {
            node.Output.Add(random.Next(5) == 0 ? "" : NewName(visible));
        }

        return (NodeProto)FillRest(node, depth);
    }

    private ValueInfoProto Info(string name, int depth) => (ValueInfoProto)FillRest(new ValueInfoProto { Name = name }, depth);

    private SparseTensorProto Sparse(string name, int depth)
    {
        SparseTensorProto sparse = new() { Values = Protos.Floats(name, 1, 2), Indices = new TensorProto { DataType = (int)ElementType.Int64 } };
        sparse.Dims.Add([3, 2]);
        if (random.Next(2) == 0)
        {
            sparse.Indices.Dims.Add(2);
            sparse.Indices.Int64Data.Add([1, 4]);
        }
        else
        {
            sparse.Indices.Dims.Add([2, 2]);
            sparse.Indices.Int64Data.Add([0, 1, 2, 0]);
        }

        AddUnknown(sparse);
        AddUnknown(sparse.Values);
        return sparse;
    }

    private TensorProto Tensor(string name, int depth)
    {
        ElementType[] types = [.. Enum.GetValues<ElementType>(), (ElementType)99];
        ElementType type = types[random.Next(types.Length)];
        TensorProto tensor = new() { Name = name, DataType = (int)type };
        for (int i = random.Next(3); i > 0; i--)
        {
            tensor.Dims.Add(random.Next(4));
        }

        long elements = tensor.Dims.Aggregate(1L, (product, size) => product * size);
        if (type == ElementType.String)
        {
            tensor.StringData.AddRange(Enumerable.Range(0, (int)elements).Select(_ => Bytes(random.Next(4))));
        }
        else if (type.BitsPerElement() > 0)
        {
            ByteString bytes = Bytes((int)type.ByteLength(elements));
            if (random.Next(2) == 0)
            {
                tensor.RawData = bytes;
            }
            else
            {
                Protos.AddTyped(tensor, type, bytes.ToByteArray());
            }
        }

        return (TensorProto)FillRest(tensor, depth);
    }

    private IMessage Fill(IMessage message, int depth)
    {
        int rarity = Wide.Contains(message.Descriptor) ? 5 : 2;
        foreach (FieldDescriptor field in message.Descriptor.Fields.InDeclarationOrder().Where(_ => random.Next(rarity) == 0))
        {
            if (field.FieldType == FieldType.Message && depth >= (Wide.Contains(field.MessageType) ? Deepest : DeepestType))
            {
                continue;
            }

            if (field.IsRepeated)
            {
                System.Collections.IList list = (System.Collections.IList)field.Accessor.GetValue(message);
                for (int i = random.Next(3); i > 0; i--)
                {
                    list.Add(Item(field, depth));
                }
            }
            else
            {
                field.Accessor.SetValue(message, Item(field, depth));
            }
        }

        AddUnknown(message);
        return message;
    }

    /// <summary>Sets fields that are not set yet, other than those that must agree with each other.</summary>
    private IMessage FillRest(IMessage message, int depth)
    {
        IMessage rest = Fill(message.Descriptor.Parser.ParseFrom(ReadOnlySpan<byte>.Empty), depth);
        foreach (FieldDescriptor field in message.Descriptor.Fields.InDeclarationOrder())
        {
            bool isStructure = message is GraphProto && field.FieldType == FieldType.Message && field.Name is not ("metadata_props" or "quantization_annotation")
                || message is NodeProto && field.Name is ("input" or "output" or "attribute")
                || message is TensorProto && (field.Name == "dims" || field.Name.Contains("data", StringComparison.Ordinal) && field.Name != "metadata_props")
                || field.FieldType == FieldType.Message && field.MessageType == GraphProto.Descriptor;
            bool isSet = field.IsRepeated ? ((System.Collections.IList)field.Accessor.GetValue(message)).Count > 0 : field.Accessor.HasValue(message);
            if (isStructure || isSet)
            {
                field.Accessor.Clear(rest);
            }
        }

        message.MergeFrom(rest.ToByteArray());
        return message;
    }

    private object Item(FieldDescriptor field, int depth) => field.FieldType switch
    {
        FieldType.Int32 => random.Next(-2, 30),
        FieldType.Int64 => random.NextInt64(),
        FieldType.UInt64 => (ulong)random.NextInt64(),
        FieldType.Float => random.NextSingle(),
        FieldType.Double => random.NextDouble(),
        FieldType.String => Word(),
        FieldType.Bytes => Bytes(random.Next(5)),
        FieldType.Message when field.MessageType == TensorProto.Descriptor => Tensor(Word(), depth + 1),
        FieldType.Message when field.MessageType == SparseTensorProto.Descriptor => Sparse(Word(), depth + 1),
        FieldType.Message when field.MessageType == GraphProto.Descriptor => Graph([], depth + 1),
        FieldType.Message => Fill(field.MessageType.Parser.ParseFrom(ReadOnlySpan<byte>.Empty), depth + 1),
        _ => throw new NotSupportedException($"The generator does not know fields like {field.FullName}."),
    };

    /// <summary>A number, text, or a group with a field 9 in it, which is <c>raw_data</c> where it stands in a tensor itself.</summary>
    private void AddUnknown(IMessage message)
    {
        if (random.Next(4) != 0)
        {
            return;
        }

        using MemoryStream bytes = new();
        using (CodedOutputStream output = new(bytes))
        {
            int number = FirstUnknown + random.Next(50);
            switch (random.Next(4))
            {
                case 0:
                    output.WriteTag(number, WireFormat.WireType.Varint);
                    output.WriteInt64(random.NextInt64());
                    break;
                case 1:
                    output.WriteTag(number, WireFormat.WireType.LengthDelimited);
                    output.WriteBytes(Bytes(random.Next(40)));
                    break;
                case 2:
                    output.WriteTag(number, WireFormat.WireType.Fixed32);
                    output.WriteFixed32((uint)random.Next());
                    break;
                default:
                    output.WriteTag(number, WireFormat.WireType.StartGroup);
                    output.WriteTag(9, WireFormat.WireType.LengthDelimited);
                    output.WriteBytes(Bytes(20));
                    output.WriteTag(number, WireFormat.WireType.EndGroup);
                    break;
            }
        }

        message.MergeFrom(bytes.ToArray());
    }

    private string NewName(List<string> visible)
    {
        string name = $"{Words[random.Next(1, Words.Length)]}{names++}";
        visible.Add(name);
        return name;
    }

    private string Pick(List<string> list) => list[random.Next(list.Count)];

    private string Word() => Words[random.Next(Words.Length)];

    private ByteString Bytes(int length)
    {
        byte[] bytes = new byte[length];
        random.NextBytes(bytes);
        return ByteString.CopyFrom(bytes);
    }
}
