using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace ModelBuildTasks.Inference;

/// <summary>An operator of a model: the version is that of the operator set in which its definition last changed.</summary>
internal readonly record struct OrtOperator(string Domain, string Name, int Version);

/// <summary>
/// Reads the operators out of a file in ORT format, a flat buffer (ONNX Runtime, core/flatbuffers/schema/ort.fbs): a table begins with the distance back to its list of
/// fields, which has the offset of each, 0 where it is absent; vectors and strings begin with their length.
/// </summary>
internal sealed class OrtFormatReader
{
    // Positions of the fields in the schema's tables.
    private const int SessionModel = 1;
    private const int ModelGraph = 7;
    private const int GraphNodes = 2;
    private const int GraphRuntimeOptimizations = 8;
    private const int NodeDomain = 2;
    private const int NodeVersion = 3;
    private const int NodeOperator = 5;
    private const int NodeAttributes = 10;
    private const int AttributeGraph = 7;
    private const int AttributeGraphs = 12;
    private const int OptimizationsEntries = 0;
    private const int EntryRecords = 1;
    private const int RecordProducedOperators = 3;

    /// <summary>Graphs inside graphs; a file may lead in circles.</summary>
    private const int MostLevels = 64;

    private readonly byte[] bytes;
    private readonly HashSet<OrtOperator> operators = [];

    private OrtFormatReader(byte[] bytes) => this.bytes = bytes;

    /// <exception cref="InvalidDataException">This is no file in ORT format, or a damaged one.</exception>
    internal static IReadOnlySet<OrtOperator> Operators(byte[] bytes)
    {
        if (bytes.Length < 8 || !bytes.AsSpan(4, 4).SequenceEqual("ORTM"u8))
        {
            throw new InvalidDataException("The file is no model in ORT format.");
        }

        OrtFormatReader reader = new(bytes);
        try
        {
            int graph = reader.Table(reader.Table(reader.Follow(0), SessionModel), ModelGraph);
            reader.AddGraph(graph, level: 0);
        }
        catch (Exception fault) when (fault is ArgumentOutOfRangeException or OverflowException or FormatException)
        {
            throw new InvalidDataException("The model in ORT format is damaged: it refers to what is not in the file.", fault);
        }

        return reader.operators;
    }

    private void AddGraph(int graph, int level)
    {
        if (level == MostLevels)
        {
            throw new FormatException("Graphs lie in each other too deep.");
        }

        foreach (int node in Tables(graph, GraphNodes))
        {
            operators.Add(new OrtOperator(Text(node, NodeDomain), Text(node, NodeOperator), Field(node, NodeVersion) is { } version ? BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(version)) : 0));
            foreach (int attribute in Tables(node, NodeAttributes))
            {
                foreach (int inner in Tables(attribute, AttributeGraphs).Concat(Field(attribute, AttributeGraph) is { } field ? [Follow(field)] : []))
                {
                    AddGraph(inner, level + 1);
                }
            }
        }

        if (Field(graph, GraphRuntimeOptimizations) is { } optimizations)
        {
            foreach (int produced in Tables(Follow(optimizations), OptimizationsEntries).SelectMany(entry => Tables(entry, EntryRecords)).SelectMany(record => Tables(record, RecordProducedOperators)))
            {
                // "domain:operator:version" (ONNX Runtime, core/graph/op_identifier.h).
                string[] parts = TextAt(produced).Split(':');
                operators.Add(parts is [var domain, var name, var version] ? new OrtOperator(domain, name, int.Parse(version, CultureInfo.InvariantCulture)) : throw new FormatException("An operator has no name."));
            }
        }
    }

    /// <summary>Where the field of a table is; null where it has none.</summary>
    private int? Field(int table, int index)
    {
        int fields = checked(table - BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(table)));
        int place = checked(fields + ((2 + index) * sizeof(ushort)));
        return place < fields + BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(fields)) && BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(place)) is var offset and > 0 ? checked(table + offset) : null;
    }

    private int Table(int table, int index) => Field(table, index) is { } field ? Follow(field) : throw new FormatException("A part is missing.");

    /// <summary>The places that a vector of tables or of strings refers to.</summary>
    private IEnumerable<int> Tables(int table, int index)
    {
        if (Field(table, index) is not { } field)
        {
            yield break;
        }

        int vector = Follow(field);
        uint count = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(vector));
        for (uint i = 1; i <= count; i++)
        {
            yield return Follow(checked((int)(vector + (i * sizeof(uint)))));
        }
    }

    private string Text(int table, int index) => Field(table, index) is { } field ? TextAt(Follow(field)) : "";

    private string TextAt(int place) => Encoding.UTF8.GetString(bytes.AsSpan(checked(place + sizeof(uint)), checked((int)BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(place)))));

    private int Follow(int place) => checked((int)(place + BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(place))));
}
