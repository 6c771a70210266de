using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx;

/// <summary>
/// A graph of nodes and values. Editing goes through values (<see cref="Value.ReplaceWith"/>, <see cref="Node.SetInput"/>), so
/// that producers and uses stay right across nested graphs. Node order does not matter while editing: a graph is written in
/// topological order.
/// </summary>
public sealed class Graph
{
    private readonly GraphProto carrier;
    private readonly List<Node> nodes = [];
    private readonly List<Value> inputs = [];
    private readonly List<Value> outputs = [];
    private readonly OrderedDictionary<string, Value> values = new(StringComparer.Ordinal);

    // The last number that made a name unique, so that a thousand nodes without names do not try each number again.
    private readonly Dictionary<string, int> numbers = new(StringComparer.Ordinal);

    // What a graph states of outputs that are inputs or outer values, which have a statement of their own.
    private readonly Dictionary<Value, ValueInfoProto> handedOn = [];

    internal Graph(Model model, Node? owner, GraphProto carrier)
    {
        Model = model;
        Owner = owner;
        this.carrier = carrier;
        ValueInfoProto[] unclaimed = GraphReader.Fill(this, carrier);
        carrier.Node.Clear();
        carrier.Initializer.Clear();
        carrier.Input.Clear();
        carrier.Output.Clear();
        carrier.ValueInfo.Clear();
        carrier.ValueInfo.AddRange(unclaimed);
    }

    /// <summary>The model this graph belongs to.</summary>
    public Model Model { get; }

    /// <summary>The node whose attribute holds this graph; null for the model's main graph.</summary>
    public Node? Owner { get; }

    /// <summary>The enclosing graph; null for the model's main graph.</summary>
    public Graph? Parent => Owner?.Graph;

    public string Name
    {
        get => carrier.Name;
        set => carrier.Name = value;
    }

    public IReadOnlyList<Node> Nodes => nodes;

    public IReadOnlyList<Value> Inputs => inputs;

    public IReadOnlyList<Value> Outputs => outputs;

    /// <summary>Values with a stored weight.</summary>
    public IEnumerable<Value> Initializers => values.Values.Where(value => value.Initializer is not null);

    /// <summary>Every value that this graph defines.</summary>
    public IEnumerable<Value> Values => values.Values;

    /// <summary>The value of that name in this graph; null when there is none. Enclosing graphs are not searched.</summary>
    public Value? Find(string name) => values.GetValueOrDefault(name);

    /// <summary>Adds an input of that very name.</summary>
    /// <exception cref="ArgumentException">The model has a value of that name, here or in another graph.</exception>
    public Value AddInput(string name, TensorType type)
    {
        Value value = Model.HasName(name) ? throw new ArgumentException($"The model already has a value named '{name}'.", nameof(name)) : Define(name);
        value.Type = type;
        inputs.Add(value);
        return value;
    }

    /// <summary>Stops letting callers feed a value. It must have an initializer or no uses.</summary>
    public void RemoveInput(Value input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.Initializer is null && (input.Uses.Count > 0 || input.IsOutput))
        {
            throw new InvalidOperationException($"Input '{input.Name}' is read and has no initializer.");
        }

        inputs.Remove(input);
        if (input.Initializer is null)
        {
            Forget(input);
        }
    }

    public void AddOutput(Value value)
    {
        ArgumentNullException.ThrowIfNull(value);
        outputs.Add(value);
        value.AddExit(this);
        value.KeepVisibleIn(this);
    }

    public void RemoveOutput(Value value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (outputs.Remove(value))
        {
            value.RemoveExit(this);
        }
    }

    /// <summary>Adds a weight, named <paramref name="hint"/> or something unique like it.</summary>
    public Value AddInitializer(string hint, Tensor tensor)
    {
        Value value = Define(UniqueName(hint));
        value.Initializer = tensor;
        return value;
    }

    /// <summary>Adds an operator call. Its outputs get unique names made from the node's name.</summary>
    public Node AddNode(string opType, IReadOnlyList<Value?> inputs, int outputCount = 1, string? name = null, string domain = "")
    {
        ArgumentNullException.ThrowIfNull(inputs);
        NodeProto proto = new() { OpType = opType, Name = name ?? "" };
        if (domain.Length > 0)
        {
            proto.Domain = domain;
        }

        Node node = new(this, proto);
        for (int i = 0; i < inputs.Count; i++)
        {
            node.SetInput(i, inputs[i]);
        }

        string stem = string.IsNullOrEmpty(name) ? opType : name;
        for (int i = 0; i < outputCount; i++)
        {
            node.AddOutput(Define(UniqueName(outputCount == 1 ? stem + "_output" : $"{stem}_output_{i}")));
        }

        nodes.Add(node);
        return node;
    }

    /// <summary>Adds an operator call with one output, and returns that.</summary>
    public Value Add(string opType, params ReadOnlySpan<Value?> inputs) => AddNode(opType, inputs.ToArray()).Output;

    /// <summary>Removes a node whose outputs nobody reads.</summary>
    /// <exception cref="InvalidOperationException">An output is still used.</exception>
    public void Remove(Node node)
    {
        ArgumentNullException.ThrowIfNull(node);
        Release(node);
        nodes.Remove(node);
    }

    /// <summary>Removes an initializer that nobody reads.</summary>
    public void RemoveInitializer(Value initializer)
    {
        ArgumentNullException.ThrowIfNull(initializer);
        if (initializer.Uses.Count > 0 || initializer.IsOutput)
        {
            throw new InvalidOperationException($"Initializer '{initializer.Name}' is still used.");
        }

        inputs.Remove(initializer);
        Forget(initializer);
    }

    /// <summary>Removes nodes and initializers that no output depends on, in this graph and in nested ones. Inputs stay.</summary>
    public void RemoveUnused()
    {
        foreach (Graph graph in nodes.SelectMany(node => node.Subgraphs).ToArray())
        {
            graph.RemoveUnused();
        }

        IReadOnlyList<Node> order = TopologicalOrder();
        for (int i = order.Count - 1; i >= 0; i--)
        {
            if (order[i].Outputs.All(output => output.Uses.Count == 0 && !output.IsOutput))
            {
                Release(order[i]);
            }
        }

        // At once: removing them one by one would take the square of their number.
        nodes.RemoveAll(node => node.IsRemoved);

        foreach (Value value in Initializers.Where(v => v.Uses.Count == 0 && !v.IsOutput && !v.IsInput).ToArray())
        {
            Forget(value);
        }
    }

    /// <summary>
    /// Moves all that a branch holds into this graph, where its node stands, and returns the values that were the branch's
    /// outputs. What read the node's outputs can then read these; the node itself stays, with an empty branch.
    /// </summary>
    /// <exception cref="InvalidOperationException">The graph is not nested directly in this one, or it has inputs.</exception>
    public IReadOnlyList<Value> Inline(Graph branch)
    {
        ArgumentNullException.ThrowIfNull(branch);
        if (branch.Parent != this || branch.inputs.Count > 0)
        {
            throw new InvalidOperationException($"Graph '{branch.Name}' is not a branch without inputs of a node in graph '{Name}'.");
        }

        Value[] results = [.. branch.outputs];
        foreach (Value result in results)
        {
            branch.RemoveOutput(result);
        }

        foreach (Value value in branch.values.Values.ToArray())
        {
            branch.values.Remove(value.Name);
            Model.RemoveName(value.Name);
            value.MoveTo(this, UniqueName(value.Name));
            values.Add(value.Name, value);
            Model.AddName(value.Name);
        }

        int place = nodes.IndexOf(branch.Owner!);
        foreach (Node node in branch.nodes)
        {
            node.Graph = this;
        }

        nodes.InsertRange(place, branch.nodes);
        branch.nodes.Clear();
        return results;
    }

    /// <summary>The nodes so that each stands after what it reads, captured values of nested graphs included; otherwise in their order.</summary>
    /// <exception cref="ModelFormatException">The graph has a cycle.</exception>
    public IReadOnlyList<Node> TopologicalOrder() => TopologicalSort.Order(this);

    /// <summary><paramref name="hint"/>, with a number behind it when the model already has that name.</summary>
    public string UniqueName(string hint)
    {
        string candidate = hint;
        while (Model.HasName(candidate))
        {
            int number = numbers[hint] = numbers.GetValueOrDefault(hint) + 1;
            candidate = $"{hint}_{number}";
        }

        return candidate;
    }

    /// <summary>This graph, then every graph nested in it.</summary>
    public IEnumerable<Graph> WithSubgraphs()
    {
        yield return this;
        foreach (Graph inner in nodes.SelectMany(node => node.Subgraphs).SelectMany(graph => graph.WithSubgraphs()))
        {
            yield return inner;
        }
    }

    internal bool IsInput(Value value) => inputs.Contains(value);

    /// <summary>Whether the value is a sparse initializer, which is carried along and not looked into.</summary>
    internal bool IsSparse(Value value) => carrier.SparseInitializer.Any(sparse => sparse.Values.Name == value.Name);

    internal Value Define(string name)
    {
        Value value = new(this, name);
        if (!values.TryAdd(name, value))
        {
            throw ModelFormatException.Invalid($"Graph '{Name}' defines '{name}' twice.");
        }

        Model.AddName(name);
        return value;
    }

    internal Value DefineOmitted()
    {
        Value value = Define(Model.NextOmittedName());
        value.Omit();
        return value;
    }

    internal void AddLoaded(Node node) => nodes.Add(node);

    internal void AddLoadedInput(Value value) => inputs.Add(value);

    internal void AddLoadedOutput(Value value, ValueInfoProto info)
    {
        if (value.Graph == this && value.Info is null)
        {
            value.Info = info;
        }
        else
        {
            handedOn[value] = info;
        }

        AddOutput(value);
    }

    internal void Rename(Value value, string name)
    {
        if (Model.HasName(name))
        {
            throw new ArgumentException($"The model already has a value named '{name}'.", nameof(name));
        }

        values.Remove(value.Name);
        values.Add(name, value);
        Model.RemoveName(value.Name);
        Model.AddName(name);
    }

    internal void ReplaceOutput(Value output, Value replacement)
    {
        for (int i = 0; i < outputs.Count; i++)
        {
            if (outputs[i] == output)
            {
                outputs[i] = replacement;
                output.RemoveExit(this);
                replacement.AddExit(this);
                replacement.KeepVisibleIn(this);
            }
        }

        if (output.Graph != this)
        {
            // A branch that returns an outer value: outputs of nested graphs go by position, so no name has to stay.
            return;
        }

        (values[output.Name], values[replacement.Name]) = (replacement, output);
        output.SwapNames(replacement);
        (output.Info, replacement.Info) = (null, output.Info);
    }

    /// <summary>Stops reading everything, so that nothing outside keeps a use in this graph.</summary>
    internal void Disconnect()
    {
        foreach (Node node in nodes)
        {
            node.Disconnect();
        }

        foreach (Value output in outputs)
        {
            output.RemoveExit(this);
        }
    }

    internal GraphProto ToProto()
    {
        GraphProto proto = carrier.Clone();
        proto.Node.AddRange(TopologicalOrder().Select(node => node.ToProto()));
        NodeNames.MakeUnique(proto.Node);
        proto.Initializer.AddRange(Initializers.Select(value => TensorEncoding.Encode(value.Initializer!, value.Name)));
        proto.Input.AddRange(inputs.Select(Describe));
        proto.Output.AddRange(outputs.Select(DescribeOutput));
        HashSet<Value> boundary = [.. inputs, .. outputs];
        proto.ValueInfo.AddRange(values.Values.Where(value => value.Info is not null && !boundary.Contains(value)).Select(Describe));
        return proto;
    }

    private ValueInfoProto DescribeOutput(Value value) => Describe(value, handedOn.GetValueOrDefault(value) ?? value.Info);

    private static ValueInfoProto Describe(Value value) => Describe(value, value.Info);

    private static ValueInfoProto Describe(Value value, ValueInfoProto? stated)
    {
        ValueInfoProto info = stated?.Clone() ?? new ValueInfoProto();
        info.Name = value.Name;
        return info;
    }

    private void Release(Node node)
    {
        if (node.Outputs.FirstOrDefault(output => output.Uses.Count > 0 || output.IsOutput) is { } used)
        {
            throw new InvalidOperationException($"'{used.Name}', which {node} produces, is still used.");
        }

        node.Disconnect();
        node.IsRemoved = true;
        foreach (Value output in node.Outputs)
        {
            Forget(output);
        }
    }

    internal void Forget(Value value)
    {
        values.Remove(value.Name);
        Model.RemoveName(value.Name);
    }
}
