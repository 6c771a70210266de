namespace ModelBuildTasks.Inference;

/// <summary>An operator of a model: the version is that of the operator set in which its definition last changed.</summary>
internal readonly record struct OrtOperator(string Domain, string Name, int Version);

/// <summary>Reads the operators out of a file in ORT format (ONNX Runtime, core/flatbuffers/schema/ort.fbs).</summary>
internal sealed class OrtFormatReader
{
    // Positions of the fields in the schema's tables.
    private const int SessionModel = 1;
    private const int ModelGraph = 7;
    private const int GraphNodes = 2;
    private const int NodeDomain = 2;
    private const int NodeVersion = 3;
    private const int NodeOperator = 5;
    private const int NodeAttributes = 10;
    private const int AttributeGraph = 7;
    private const int AttributeGraphs = 12;

    /// <summary>Graphs inside graphs; a file may lead in circles.</summary>
    private const int MostLevels = 64;

    private readonly FlatBuffer file;
    private readonly HashSet<OrtOperator> operators = [];

    private OrtFormatReader(byte[] bytes) => file = new FlatBuffer(bytes);

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
            reader.AddGraph(reader.file.Table(reader.file.Table(reader.file.Root, SessionModel), ModelGraph), level: 0);
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

        foreach (int node in file.Items(graph, GraphNodes))
        {
            operators.Add(new OrtOperator(file.Text(node, NodeDomain), file.Text(node, NodeOperator), file.Number(node, NodeVersion)));
            foreach (int attribute in file.Items(node, NodeAttributes))
            {
                foreach (int inner in file.Items(attribute, AttributeGraphs).Concat(file.Field(attribute, AttributeGraph) is null ? [] : [file.Table(attribute, AttributeGraph)]))
                {
                    AddGraph(inner, level + 1);
                }
            }
        }
    }
}
