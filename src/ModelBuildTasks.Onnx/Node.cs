using Google.Protobuf;
using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx;

/// <summary>One operator call. Attributes are read and set by name; what a caller does not touch is written back unchanged.</summary>
public sealed class Node
{
    private readonly NodeProto carrier;
    private readonly List<Value?> inputs = [];
    private readonly List<Value> outputs = [];
    private readonly OrderedDictionary<string, AttributeProto> attributes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Graph[]> subgraphs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Tensor> tensors = new(StringComparer.Ordinal);

    internal Node(Graph graph, NodeProto carrier)
    {
        Graph = graph;
        this.carrier = carrier;
        foreach (AttributeProto attribute in carrier.Attribute)
        {
            if (!attributes.TryAdd(attribute.Name, attribute))
            {
                throw ModelFormatException.Invalid($"Node '{carrier.Name}' ({carrier.OpType}) states the attribute '{attribute.Name}' twice.");
            }
        }

        carrier.Attribute.Clear();
    }

    /// <summary>The graph this node stands in.</summary>
    public Graph Graph { get; internal set; }

    /// <summary>Whether the graph has let go of this node.</summary>
    public bool IsRemoved { get; internal set; }

    /// <summary>The operator, as in the ONNX operator set.</summary>
    public string OpType
    {
        get => carrier.OpType;
        set => carrier.OpType = value;
    }

    /// <summary>The operator's domain; empty for the standard operators.</summary>
    public string Domain
    {
        get => carrier.Domain is "ai.onnx" ? "" : carrier.Domain;
        set => carrier.Domain = value;
    }

    /// <summary>The node's name, which may be empty.</summary>
    public string Name
    {
        get => carrier.Name;
        set => carrier.Name = value;
    }

    /// <summary>The inputs; null where an optional one is left out.</summary>
    public IReadOnlyList<Value?> Inputs => inputs;

    /// <summary>The outputs. An optional output that is left out has a value nobody reads and an empty place on disk.</summary>
    public IReadOnlyList<Value> Outputs => outputs;

    /// <summary>The first output.</summary>
    public Value Output => outputs[0];

    /// <summary>Names of the attributes that are stated.</summary>
    public IEnumerable<string> AttributeNames => attributes.Keys;

    /// <summary>The graphs in this node's attributes (branches, loop bodies).</summary>
    public IEnumerable<Graph> Subgraphs => subgraphs.Values.SelectMany(graphs => graphs);

    /// <summary>Input <paramref name="index"/>; null when it is absent.</summary>
    public Value? Input(int index) => index < inputs.Count ? inputs[index] : null;

    /// <summary>Sets or leaves out an input, growing the list when needed.</summary>
    public void SetInput(int index, Value? value)
    {
        while (inputs.Count <= index)
        {
            inputs.Add(null);
        }

        inputs[index]?.RemoveUse(new Use(this, index));
        inputs[index] = value;
        value?.AddUse(new Use(this, index));
        value?.KeepVisibleIn(Graph);
        while (inputs.Count > 0 && inputs[^1] is null)
        {
            inputs.RemoveAt(inputs.Count - 1);
        }
    }

    /// <summary>Makes the call hand out one value less; those behind it move up, so this is for operators whose outputs are as many as one likes.</summary>
    /// <exception cref="InvalidOperationException">The output is still used.</exception>
    public void RemoveOutput(int index)
    {
        Value output = outputs[index];
        if (output.Uses.Count > 0 || output.IsOutput)
        {
            throw new InvalidOperationException($"'{output.Name}', which {this} produces, is still used.");
        }

        outputs.RemoveAt(index);
        Graph.Forget(output);
    }

    public bool Has(string name) => attributes.ContainsKey(name);

    public long GetInt(string name, long fallback) => attributes.TryGetValue(name, out AttributeProto? a) && a.HasI ? a.I : fallback;

    public long[]? GetInts(string name) => attributes.TryGetValue(name, out AttributeProto? a) ? [.. a.Ints] : null;

    public float GetFloat(string name, float fallback) => attributes.TryGetValue(name, out AttributeProto? a) && a.HasF ? a.F : fallback;

    public float[]? GetFloats(string name) => attributes.TryGetValue(name, out AttributeProto? a) ? [.. a.Floats] : null;

    public string? GetString(string name) => attributes.TryGetValue(name, out AttributeProto? a) && a.HasS ? a.S.ToStringUtf8() : null;

    public string[]? GetStrings(string name) => attributes.TryGetValue(name, out AttributeProto? a) ? [.. a.Strings.Select(text => text.ToStringUtf8())] : null;

    public Tensor? GetTensor(string name) => tensors.GetValueOrDefault(name);

    public Graph? GetGraph(string name) => subgraphs.TryGetValue(name, out Graph[]? graphs) ? graphs[0] : null;

    public Node Set(string name, long value) => Set(name, AttributeKind.Int, a => a.I = value);

    public Node Set(string name, float value) => Set(name, AttributeKind.Float, a => a.F = value);

    public Node Set(string name, string value) => Set(name, AttributeKind.String, a => a.S = ByteString.CopyFromUtf8(value));

    public Node Set(string name, long[] value) => Set(name, AttributeKind.Ints, a => a.Ints.AddRange(value));

    public Node Set(string name, float[] value) => Set(name, AttributeKind.Floats, a => a.Floats.AddRange(value));

    public Node Set(string name, string[] value) => Set(name, AttributeKind.Strings, a => a.Strings.AddRange(value.Select(ByteString.CopyFromUtf8)));

    public Node Set(string name, Tensor value)
    {
        tensors[name] = value;
        return Set(name, AttributeKind.Tensor, _ => { });
    }

    /// <summary>States an empty graph, a branch or a body, which is then filled by editing it.</summary>
    /// <exception cref="InvalidOperationException">The attribute is stated already.</exception>
    public Graph AddGraph(string attribute)
    {
        if (Has(attribute))
        {
            throw new InvalidOperationException($"{this} states '{attribute}' already.");
        }

        Graph graph = new(Graph.Model, this, new GraphProto { Name = attribute });
        attributes.Add(attribute, new AttributeProto { Name = attribute, Type = (int)AttributeKind.Graph, G = new GraphProto() });
        subgraphs[attribute] = [graph];
        return graph;
    }

    /// <summary>Makes an attribute unstated, so that the operator's default holds.</summary>
    public void Unset(string name)
    {
        attributes.Remove(name);
        tensors.Remove(name);
        if (subgraphs.Remove(name, out Graph[]? removed))
        {
            foreach (Graph graph in removed)
            {
                graph.Disconnect();
            }
        }
    }

    /// <summary>States every attribute of <paramref name="other"/> here too. Nested graphs cannot be shared and are refused.</summary>
    public void CopyAttributesFrom(Node other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other.subgraphs.Count > 0)
        {
            throw new InvalidOperationException($"Node '{other.Name}' ({other.OpType}) holds graphs, which belong to one node.");
        }

        foreach ((string name, AttributeProto attribute) in other.attributes)
        {
            attributes[name] = attribute.Clone();
        }

        foreach ((string name, Tensor tensor) in other.tensors)
        {
            tensors[name] = tensor;
        }
    }

    /// <summary>Whether both nodes state the same attributes with the same values. Never so for nodes that hold graphs.</summary>
    public bool HasSameAttributes(Node other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return subgraphs.Count == 0 && other.subgraphs.Count == 0 && attributes.Count == other.attributes.Count
            && attributes.Keys.All(name => other.attributes.ContainsKey(name) && ToProto(name, attributes[name]).Equals(other.ToProto(name, other.attributes[name])));
    }

    /// <summary>Equal for nodes with the <see cref="HasSameAttributes">same attributes</see>, in whatever order they state them.</summary>
    public int AttributesHashCode() => subgraphs.Count > 0 ? 0 : attributes.Sum(attribute => (long)ToProto(attribute.Key, attribute.Value).GetHashCode()).GetHashCode();

    /// <summary>Bytes that this node takes in a file, with its attributes and the graphs in it.</summary>
    public int StoredBytes => ToProto().CalculateSize();

    public override string ToString() =>
        $"{(Name.Length == 0 ? "" : Name + ": ")}{OpType}({string.Join(", ", inputs.Select(v => v?.Name ?? "-"))}) → {string.Join(", ", outputs.Select(v => v.Name))}";

    /// <summary>Takes the carrier's attributes apart into tensors and nested graphs; inputs and outputs are connected by the graph.</summary>
    internal void OpenAttributes()
    {
        foreach ((string name, AttributeProto attribute) in attributes)
        {
            if (attribute.T is { } tensor)
            {
                tensors[name] = TensorEncoding.Decode(tensor);
            }

            if (attribute.G is { } graph)
            {
                subgraphs[name] = [new Graph(Graph.Model, this, graph)];
            }
            else if (attribute.Graphs.Count > 0)
            {
                subgraphs[name] = [.. attribute.Graphs.Select(g => new Graph(Graph.Model, this, g))];
            }
        }
    }

    /// <summary>Connects the next input of a node that is being read; null where it is left out.</summary>
    internal void AddInput(Value? value)
    {
        value?.AddUse(new Use(this, inputs.Count));
        inputs.Add(value);
    }

    internal void AddOutput(Value value)
    {
        value.Producer = this;
        outputs.Add(value);
    }

    /// <summary>Stops reading all inputs, those of nested graphs included.</summary>
    internal void Disconnect()
    {
        for (int i = inputs.Count - 1; i >= 0; i--)
        {
            SetInput(i, null);
        }

        foreach (Graph inner in Subgraphs)
        {
            inner.Disconnect();
        }
    }

    internal Tensor? ConstantValue()
    {
        if (GetTensor("value") is { } tensor)
        {
            return tensor;
        }

        foreach ((string name, AttributeProto attribute) in attributes)
        {
            switch (name)
            {
                case "value_float":
                    return Tensor.Scalar(attribute.F);
                case "value_int":
                    return Tensor.Scalar(attribute.I);
                case "value_floats":
                    return Tensor.Vector<float>([.. attribute.Floats]);
                case "value_ints":
                    return Tensor.Vector<long>([.. attribute.Ints]);
            }
        }

        return null;
    }

    internal NodeProto ToProto()
    {
        NodeProto proto = carrier.Clone();
        proto.Input.Clear();
        proto.Input.AddRange(inputs.Select(value => value?.Name ?? ""));
        proto.Output.Clear();
        proto.Output.AddRange(outputs.Select(value => value.IsOmitted ? "" : value.Name));
        foreach ((string name, AttributeProto attribute) in attributes)
        {
            proto.Attribute.Add(ToProto(name, attribute));
        }

        return proto;
    }

    private AttributeProto ToProto(string name, AttributeProto attribute)
    {
        bool holdsTensor = tensors.TryGetValue(name, out Tensor? tensor);
        bool holdsGraphs = subgraphs.TryGetValue(name, out Graph[]? graphs);
        if (!holdsTensor && !holdsGraphs)
        {
            return attribute;
        }

        bool single = attribute.G is not null;
        AttributeProto copy = new(attribute) { T = holdsTensor ? TensorEncoding.Encode(tensor!, tensor!.Source?.Name ?? "") : attribute.T };
        if (holdsGraphs)
        {
            if (single)
            {
                copy.G = graphs![0].ToProto();
            }
            else
            {
                copy.Graphs.Clear();
                copy.Graphs.AddRange(graphs!.Select(graph => graph.ToProto()));
            }
        }

        return copy;
    }

    private Node Set(string name, AttributeKind kind, Action<AttributeProto> assign)
    {
        if (subgraphs.ContainsKey(name))
        {
            Unset(name);
        }

        if (kind != AttributeKind.Tensor)
        {
            tensors.Remove(name);
        }

        AttributeProto attribute = new() { Name = name, Type = (int)kind };
        assign(attribute);
        attributes[name] = attribute;
        return this;
    }

    /// <summary><c>AttributeProto.AttributeType</c> of the ONNX specification.</summary>
    private enum AttributeKind
    {
        Float = 1,
        Int = 2,
        String = 3,
        Tensor = 4,
        Graph = 5,
        Floats = 6,
        Ints = 7,
        Strings = 8,
    }
}
