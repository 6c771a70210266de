using System.Security.Cryptography;
using Google.Protobuf;
using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx;

/// <summary>Where <see cref="Model.Save"/> puts weights.</summary>
public enum WeightPlacement
{
    /// <summary>In the model's own file, unless that would pass Protobuf's 2 GB.</summary>
    InsideWhenPossible,

    /// <summary>In a file beside the model, shapes and other small tensors aside.</summary>
    External,
}

/// <summary>
/// An ONNX model in memory. Everything in the file that this library does not edit (functions, training information,
/// annotations, fields of later specifications) is carried along and written back; initializers and stated types, which ONNX
/// finds by name, and nodes may come back in another order.
/// </summary>
public sealed class Model
{
    /// <summary>Bytes of a model in one file: Protobuf cannot serialize messages of 2 GiB and more; the margin is for lengths that Protobuf adds.</summary>
    public const long LargestFile = 2_000_000_000;

    private const int WriteBuffer = 1 << 16;

    private ModelProto carrier;
    private readonly Dictionary<string, int> names = new(StringComparer.Ordinal);
    private int omitted;

    private Model(ModelProto proto, ExternalDataReader? external)
    {
        carrier = proto;
        OpsetImports = ReadOpsets(proto);
        Metadata = ReadMetadata(proto);

        GraphProto graph = proto.Graph;
        proto.Graph = null;
        Graph = new Graph(this, null, graph);
        ExternalDataFiles = external?.Files ?? [];
        foreach (Graph each in Graph.WithSubgraphs())
        {
            // Throws on a cycle, which would otherwise show only when the model is written.
            each.TopologicalOrder();
            ModelValidation.RequireGroups(each);
        }
    }

    /// <summary>The main graph.</summary>
    public Graph Graph { get; private set; }

    /// <summary>Version of the file format; runtimes refuse versions newer than theirs.</summary>
    public long IrVersion
    {
        get => carrier.IrVersion;
        set => carrier.IrVersion = value;
    }

    /// <summary>Operator set version by domain; the standard operators have the empty domain, for which "ai.onnx" stands as well.</summary>
    public IDictionary<string, long> OpsetImports { get; }

    /// <summary>Version of the standard operator set.</summary>
    public long Opset
    {
        get => OpsetImports.TryGetValue("", out long version) ? version : 0;
        set => OpsetImports[""] = value;
    }

    /// <summary>The model's <c>metadata_props</c>.</summary>
    public IDictionary<string, string> Metadata { get; }

    /// <summary>The tool that wrote the model.</summary>
    public string ProducerName
    {
        get => carrier.ProducerName;
        set => carrier.ProducerName = value;
    }

    /// <summary>Full paths of the files beside the model that hold weights.</summary>
    public IReadOnlyList<string> ExternalDataFiles { get; }

    /// <summary>An empty model.</summary>
    public static Model Create(string graphName, long opset, long irVersion)
    {
        ModelProto proto = new() { IrVersion = irVersion, Graph = new GraphProto { Name = graphName } };
        proto.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = opset });
        return new Model(proto, external: null);
    }

    /// <summary>Reads a model and maps its external data, which must lie in the model's folder.</summary>
    /// <exception cref="ModelFormatException">The file is not a whole, consistent ONNX model.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static Model Load(string path)
    {
        ReadOnlyMemory<byte> bytes = ModelReader.ReadFile(path);
        ExternalDataReader external = new(path);
        return new Model(ModelReader.Read(bytes, external), external);
    }

    /// <summary>Reads a model that has no external data. Its weights refer to <paramref name="bytes"/>, which must not change.</summary>
    /// <exception cref="ModelFormatException">The bytes are not a whole, consistent ONNX model.</exception>
    public static Model Parse(ReadOnlyMemory<byte> bytes) => new(ModelReader.Read(bytes, external: null), external: null);

    /// <summary>A copy that shares the (immutable) weights.</summary>
    public Model Clone() => new(ToProto(), external: null);

    /// <summary>What the model holds now, to go back to by <see cref="Restore"/>. Weights are shared, not copied.</summary>
    public ModelSnapshot TakeSnapshot() => new(ToProto());

    /// <summary>Makes the model what it was. Its graph is a new one; nodes and values of the present one are not part of it.</summary>
    public void Restore(ModelSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        names.Clear();
        omitted = 0;
        carrier = snapshot.Proto.Clone();
        GraphProto graph = carrier.Graph;
        carrier.Graph = null;
        Graph = new Graph(this, null, graph);
        Replace(OpsetImports, ReadOpsets(carrier));
        Replace(Metadata, ReadMetadata(carrier));
    }

    /// <summary>
    /// Drops the notes beside graphs, nodes, values and weights (<c>metadata_props</c>, of IR version 10), which no runtime reads, so that older runtimes read the rest. The notes of the
    /// model itself, <see cref="Metadata"/>, stay. The graph is a new one; nodes and values of the present one are not part of it.
    /// </summary>
    public void RemoveAnnotations()
    {
        ModelProto proto = ToProto();
        Annotations.Remove(proto);
        Restore(new ModelSnapshot(proto));
    }

    /// <summary>Bytes that the model takes in a file, or in two if one can't hold it. Weights are not read for this.</summary>
    public long StoredBytes
    {
        get
        {
            ModelProto proto = ToProto();
            GraphProto graph = proto.Graph;
            proto.Graph = null;

            // Protobuf counts in 32 bits, which weights may pass together, but none alone.
            long weights = graph.Initializer.Sum(tensor => 1L + CodedOutputStream.ComputeMessageSize(tensor));
            graph.Initializer.Clear();
            long graphBytes = graph.CalculateSize() + weights;
            return proto.CalculateSize() + 1 + CodedOutputStream.ComputeUInt64Size((ulong)graphBytes) + graphBytes;
        }
    }

    /// <summary>Whether the model passes what one file holds, so that its weights need a second one.</summary>
    /// <param name="largest">What one file holds, at most <see cref="LargestFile"/>.</param>
    public bool NeedsExternalData(long largest = LargestFile) => ExternalDataWriter.IsNeeded(ToProto(), largest);

    /// <summary>Takes over the functions that another model defines, so that nodes here may call them. Their operator sets must be stated here, too.</summary>
    public void AddFunctionsOf(Model other)
    {
        ArgumentNullException.ThrowIfNull(other);
        carrier.Functions.AddRange(other.carrier.Functions);
    }

    /// <summary>
    /// Writes the model whole or not at all (temporary files, then renames). Weights go from where they are, mapped files
    /// included, straight to the output; external ones stand in <c>name.onnx.data</c> beside the model.
    /// </summary>
    /// <exception cref="IOException">The files cannot be written.</exception>
    public void Save(string path, WeightPlacement placement = WeightPlacement.InsideWhenPossible)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ModelProto proto = ToProto();
        bool external = placement == WeightPlacement.External || ExternalDataWriter.IsNeeded(proto, LargestFile);
        Write(proto, path, external ? _ => Path.GetFileName(path) + ".data" : null);
    }

    /// <summary>
    /// Writes the model whole or not at all, its weights in a file beside it that is named by what it holds: another model's weights are never replaced, and the model's own bytes tell which weights are meant.
    /// </summary>
    /// <param name="path">The model's file.</param>
    /// <param name="nameOf">The name of the other file, for the SHA-256 of what it holds, in lower-case hexadecimal.</param>
    /// <returns>That name.</returns>
    /// <exception cref="IOException">The files cannot be written.</exception>
    public string SaveInTwo(string path, Func<string, string> nameOf)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Write(ToProto(), path, data =>
        {
            using FileStream stream = File.OpenRead(data);
            return nameOf(Convert.ToHexStringLower(SHA256.HashData(stream)));
        })!;
    }

    /// <param name="proto">The model.</param>
    /// <param name="path">Its file.</param>
    /// <param name="nameOf">The name of the file with the weights, for the path under which it is written; null for weights inside.</param>
    private static string? Write(ModelProto proto, string path, Func<string, string>? nameOf)
    {
        string temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        string temporaryData = $"{path}.{Guid.NewGuid():N}.data.tmp";
        string? name = null;
        try
        {
            if (nameOf is not null)
            {
                // The weights' messages are shared with this model; the writer edits its own.
                proto = proto.Clone();
                ExternalDataWriter.Write(proto, temporaryData, () => name = nameOf(temporaryData));
            }

            using (FileStream stream = new(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0))
            {
                using CodedOutputStream output = new(stream, WriteBuffer, leaveOpen: true);
                proto.WriteTo(output);
            }

            if (name is not null)
            {
                File.Move(temporaryData, Path.Combine(Path.GetDirectoryName(path)!, name), overwrite: true);
            }

            File.Move(temporary, path, overwrite: true);
            return name;
        }
        finally
        {
            File.Delete(temporary);
            File.Delete(temporaryData);
        }
    }

    /// <summary>SHA-256 over all that the model holds but its <see cref="Metadata"/>, in lower-case hexadecimal, wherever its weights lie.</summary>
    public string Digest()
    {
        // The weights' messages are shared with this model.
        ModelProto proto = ToProto().Clone();
        proto.MetadataProps.Clear();
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (TensorProto tensor in new ModelTensors(proto).All)
        {
            hash.AppendData(tensor.RawData.Span);
            tensor.ClearRawData();
        }

        hash.AppendData(proto.ToByteArray());
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The lowest version of the file format that has all that the model states, so that the oldest runtimes possible read it.</summary>
    public long LowestIrVersion => IrVersions.Lowest(ToProto());

    /// <summary>
    /// What makes this model invalid, each with its place and what to do; empty for a valid one. A model that was just read has
    /// passed the checks of names already; this also finds what editing broke. Operators' own rules are the runtime's to check.
    /// </summary>
    public IReadOnlyList<ModelFinding> Validate() => ModelValidation.Check(this);

    /// <summary>The model with all its weights as one message.</summary>
    /// <exception cref="InvalidOperationException">It would pass Protobuf's 2 GB.</exception>
    public byte[] ToBytes()
    {
        ModelProto proto = ToProto();
        return ExternalDataWriter.IsNeeded(proto, LargestFile)
            ? throw new InvalidOperationException("The model is too large for one Protobuf message; save it to a file.")
            : proto.ToByteArray();
    }

    internal bool HasName(string name) => names.ContainsKey(name);

    /// <summary>A name for an output that the model leaves out. Counted, as a node may leave out thousands.</summary>
    internal string NextOmittedName()
    {
        string name;
        do
        {
            name = $"omitted_{omitted++}";
        }
        while (HasName(name));
        return name;
    }

    // Sibling branches may use one name twice, so names are counted.
    internal void AddName(string name) => names[name] = names.GetValueOrDefault(name) + 1;

    internal void RemoveName(string name)
    {
        if (--names[name] == 0)
        {
            names.Remove(name);
        }
    }

    private ModelProto ToProto()
    {
        ModelProto proto = carrier.Clone();
        proto.Graph = Graph.ToProto();
        SyncOpsets(proto);
        if (!ReadMetadata(proto).SequenceEqual(Metadata))
        {
            proto.MetadataProps.Clear();
            proto.MetadataProps.AddRange(Metadata.Select(entry => new StringStringEntryProto { Key = entry.Key, Value = entry.Value }));
        }

        return proto;
    }

    private static void Replace<T>(IDictionary<string, T> entries, IDictionary<string, T> others)
    {
        entries.Clear();
        foreach ((string key, T value) in others)
        {
            entries[key] = value;
        }
    }

    private static Dictionary<string, long> ReadOpsets(ModelProto proto) => proto.OpsetImport
        .GroupBy(DomainOf, DomainComparer.Instance)
        .ToDictionary(imports => imports.Key, imports => imports.Max(import => import.Version), DomainComparer.Instance);

    private static OrderedDictionary<string, string> ReadMetadata(ModelProto proto)
    {
        OrderedDictionary<string, string> metadata = new(StringComparer.Ordinal);
        foreach (StringStringEntryProto entry in proto.MetadataProps)
        {
            metadata[entry.Key] = entry.Value;
        }

        return metadata;
    }

    private void SyncOpsets(ModelProto proto)
    {
        ILookup<string, OperatorSetIdProto> stated = proto.OpsetImport.ToLookup(DomainOf, DomainComparer.Instance);
        OperatorSetIdProto[] kept = [.. proto.OpsetImport.Where(import => OpsetImports.ContainsKey(DomainOf(import)))];
        proto.OpsetImport.Clear();
        proto.OpsetImport.AddRange(kept);
        foreach ((string domain, long version) in OpsetImports)
        {
            if (!stated.Contains(domain))
            {
                proto.OpsetImport.Add(new OperatorSetIdProto { Domain = DomainComparer.Short(domain), Version = version });
            }
            else if (stated[domain].Max(import => import.Version) != version)
            {
                // Of two statements of one domain the older one stays as it is unless the version was set.
                foreach (OperatorSetIdProto import in stated[domain])
                {
                    import.Version = version;
                }
            }
        }
    }

    /// <summary>The standard domain has two spellings, and some converters state both; the newer version counts.</summary>
    private static string DomainOf(OperatorSetIdProto import) => DomainComparer.Short(import.Domain)!;
}
