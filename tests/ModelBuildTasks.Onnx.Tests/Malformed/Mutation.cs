using Google.Protobuf;
using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx.Tests.Malformed;

/// <summary>Ways in which a model file can be wrong. Each changes a good model by a choice of <see cref="Random"/>.</summary>
internal static class Mutation
{
    private static readonly long[] AbsurdSizes = [-1, 0, long.MinValue, long.MaxValue, 1L << 31, 1L << 40, 1L << 62, int.MaxValue];

    private static readonly (string Name, Func<ModelProto, Random, byte[]> Apply)[] All =
    [
        ("cut at a multiple of 64 bytes", (model, random) => Cut(model.ToByteArray(), random)),
        ("bytes changed", (model, random) => Change(model.ToByteArray(), random)),
        ("a run overwritten", (model, random) => Overwrite(model.ToByteArray(), random)),
        ("a piece copied elsewhere", (model, random) => Splice(model.ToByteArray(), random)),
        ("a cycle", (model, random) => Edited(model, graph => Redirect(graph, random, forward: true))),
        ("a missing input", (model, random) => Edited(model, graph => Redirect(graph, random, forward: false))),
        ("a name twice", (model, random) => Edited(model, graph => Repeat(graph, random))),
        ("another type", (model, random) => EditedTensor(model, random, tensor => tensor.DataType = random.Next(-1, 40))),
        ("an absurd size", (model, random) => EditedTensor(model, random, tensor => tensor.Dims.Insert(random.Next(tensor.Dims.Count + 1), Any(AbsurdSizes, random)))),
        ("bytes too few", (model, random) => EditedTensor(model, random, tensor => tensor.RawData = ByteString.CopyFrom(new byte[random.Next(20)]))),
        ("an absurd place in another file", (model, random) => EditedTensor(model, random, tensor => MoveOutside(tensor, random))),
        ("absurd sparse indices", (model, random) => Edited(model, graph => graph.SparseInitializer.Add(Sparse(random)))),
        ("deep nesting", (model, random) => [.. model.ToByteArray(), .. Nested(random)]),
        ("a field thousands of times", (model, random) => [.. model.ToByteArray(), .. Repeated(random)]),
    ];

    internal static int Count => All.Length;

    /// <summary>One way after the other, so that a run has as many of each.</summary>
    internal static (string Name, byte[] Bytes) Apply(int number, ModelProto model, Random random)
    {
        (string name, Func<ModelProto, Random, byte[]> apply) = All[number % All.Length];
        return (name, apply(model.Clone(), random));
    }

    private static byte[] Cut(byte[] bytes, Random random) => bytes[..(64 * random.Next((bytes.Length + 63) / 64))];

    private static byte[] Change(byte[] bytes, Random random)
    {
        for (int i = random.Next(16); i >= 0; i--)
        {
            // Half of the changes where the structure is: the start of a file has more of it than the weights behind.
            int place = random.Next(random.Next(2) == 0 ? Math.Min(bytes.Length, 512) : bytes.Length);
            bytes[place] = (byte)(random.Next(2) == 0 ? random.Next(256) : bytes[place] ^ (1 << random.Next(8)));
        }

        return bytes;
    }

    private static byte[] Overwrite(byte[] bytes, Random random)
    {
        int start = random.Next(bytes.Length);
        bytes.AsSpan(start, Math.Min(random.Next(1, 64), bytes.Length - start)).Fill((byte)random.Next(256));
        return bytes;
    }

    private static byte[] Splice(byte[] bytes, Random random)
    {
        int from = random.Next(bytes.Length);
        int length = Math.Min(random.Next(1, 4096), bytes.Length - from);
        int to = random.Next(bytes.Length);
        return [.. bytes[..to], .. bytes[from..(from + length)], .. bytes[to..]];
    }

    private static byte[] Edited(ModelProto model, Action<GraphProto> edit)
    {
        edit(model.Graph);
        return model.ToByteArray();
    }

    private static byte[] EditedTensor(ModelProto model, Random random, Action<TensorProto> edit)
    {
        TensorProto[] tensors = [.. new ModelTensors(model).All];
        if (tensors.Length == 0)
        {
            model.Graph.Initializer.Add(tensors = [Protos.Floats("added", 1, 2)]);
        }

        edit(Any(tensors, random));
        return model.ToByteArray();
    }

    private static void Redirect(GraphProto graph, Random random, bool forward)
    {
        NodeProto[] readers = [.. graph.Node.Where(node => node.Input.Count > 0)];
        if (readers.Length > 0)
        {
            NodeProto reader = Any(readers, random);
            reader.Input[random.Next(reader.Input.Count)] = forward ? graph.Node[^1].Output.FirstOrDefault("") : "no such value";
        }
    }

    private static void Repeat(GraphProto graph, Random random)
    {
        switch (random.Next(4))
        {
            case 0 when graph.Node.Count > 0:
                graph.Node.Add(Any(graph.Node, random).Clone());
                break;
            case 1 when graph.Initializer.Count > 0:
                graph.Initializer.Add(Any(graph.Initializer, random).Clone());
                break;
            case 2 when graph.Node.Count > 0 && Any(graph.Node, random) is { Attribute.Count: > 0 } node:
                node.Attribute.Add(node.Attribute[0].Clone());
                break;
            default:
                graph.Input.Add(Any(graph.Input, random).Clone());
                break;
        }
    }

    private static void MoveOutside(TensorProto tensor, Random random)
    {
        string[] locations = ["weights.bin", "../weights.bin", "/etc/hostname", "", ".", "a\0b", "..\\weights.bin", "missing.bin", new('x', 5000)];
        tensor.ClearRawData();
        tensor.DataLocation = 1;
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = Any(locations, random) });
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "offset", Value = $"{Any(AbsurdSizes, random)}" });
        tensor.ExternalData.Add(new StringStringEntryProto { Key = random.Next(2) == 0 ? "length" : "checksum", Value = random.Next(2) == 0 ? "many" : $"{Any(AbsurdSizes, random)}" });
    }

    private static SparseTensorProto Sparse(Random random)
    {
        SparseTensorProto sparse = new() { Values = Protos.Floats("sparse", 1, 2), Indices = new TensorProto { DataType = 7, Dims = { 2 } } };
        sparse.Dims.Add([Any(AbsurdSizes, random), random.Next(5)]);
        sparse.Indices.Int64Data.Add([random.Next(-1, 3), Any(AbsurdSizes, random)]);
        if (random.Next(3) == 0)
        {
            sparse.Indices.Dims.Add(Any(AbsurdSizes, random));
        }

        return sparse;
    }

    /// <summary>Graphs in attributes of nodes of graphs, types in types, or groups in groups, up to far beyond Protobuf's limit.</summary>
    private static byte[] Nested(Random random)
    {
        int depth = random.Next(2) == 0 ? random.Next(1, 40) : random.Next(40, 2000);
        if (random.Next(3) == 0)
        {
            // Field 900, start of group.
            return [.. Enumerable.Repeat(new byte[] { 0xA3, 0x38 }, depth).SelectMany(tag => tag)];
        }

        // From inside out: each step puts what is there into a field of a message that is a field of the next.
        int[] way = random.Next(2) == 0 ? [6, 5, 1] : [1, 4];
        byte[] inner = [];
        for (int i = 0; i < depth; i++)
        {
            foreach (int field in way)
            {
                inner = Field(field, inner);
            }
        }

        return Field(7, way.Length == 3 ? inner : Field(11, Field(2, inner)));
    }

    private static byte[] Repeated(Random random)
    {
        int count = random.Next(1, 8_000);
        byte[] one = random.Next(8) switch
        {
            0 => Field(1, []),
            1 => Field(1, Field(2, [])),
            2 => Field(11, []),
            3 => Field(5, Field(8, [(byte)'w'])),
            4 => Field(13, []),
            5 => Field(15, []),
            6 => Field(5, Field(1, [])),
            _ => Field(1, Field(5, Field(7, []))),
        };
        byte[] all = [.. Enumerable.Repeat(one, count).SelectMany(bytes => bytes)];
        return random.Next(4) switch
        {
            0 => [.. Enumerable.Repeat(Field(8, Field(1, [(byte)'d'])), count).SelectMany(bytes => bytes)],
            // One node with many omitted outputs, and with many omitted inputs.
            1 => Field(7, Field(1, [.. Enumerable.Repeat(Field(2, []), count).SelectMany(bytes => bytes)])),
            2 => Field(7, Field(1, [.. Enumerable.Repeat(Field(1, []), count).SelectMany(bytes => bytes)])),
            _ => Field(7, all),
        };
    }

    private static byte[] Field(int number, byte[] content)
    {
        using MemoryStream stream = new();
        using (CodedOutputStream output = new(stream))
        {
            output.WriteTag(number, WireFormat.WireType.LengthDelimited);
            output.WriteBytes(ByteString.CopyFrom(content));
        }

        return stream.ToArray();
    }

    private static T Any<T>(IList<T> list, Random random) => list[random.Next(list.Count)];
}
