using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx;

/// <summary>One place where a value is read: input <paramref name="Index"/> of <paramref name="Node"/>.</summary>
public readonly record struct Use(Node Node, int Index);

/// <summary>
/// An edge of the graph: something that a node produces, a graph input, or an initializer. It knows its producer and every
/// use, including uses in nested graphs.
/// </summary>
public sealed class Value
{
    private readonly List<Use> uses = [];
    private readonly List<Graph> exits = [];
    private string name;
    private bool omitted;
    private TensorType? type;

    internal Value(Graph graph, string name)
    {
        Graph = graph;
        this.name = name;
    }

    /// <summary>The graph that defines this value.</summary>
    public Graph Graph { get; internal set; }

    /// <summary>The node whose output this is; null for graph inputs and initializers.</summary>
    public Node? Producer { get; internal set; }

    /// <summary>Every node input that reads this value, in this graph and in graphs nested in it. Graph outputs are not uses.</summary>
    public IReadOnlyList<Use> Uses => uses;

    /// <summary>The stored weight; null when the value is computed or fed. For a graph input with an initializer it is the default.</summary>
    public Tensor? Initializer { get; set; }

    /// <summary>Whether callers feed (or may override) this value.</summary>
    public bool IsInput => Graph.IsInput(this);

    /// <summary>Whether a graph hands this value out: its own, or a nested one that returns an outer value as it is.</summary>
    public bool IsOutput => exits.Count > 0;

    /// <summary>The tensor that this value always is: an initializer that no caller can override, or the output of a <c>Constant</c> node.</summary>
    public Tensor? Constant =>
        Initializer is { } tensor ? (IsInput ? null : tensor)
        : Producer is { OpType: "Constant", Domain: "" } constant ? constant.ConstantValue()
        : null;

    /// <summary>The unique name. Setting it renames the value everywhere, nested graphs included.</summary>
    /// <exception cref="ArgumentException">Another value has that name.</exception>
    public string Name
    {
        get => name;
        set
        {
            ArgumentException.ThrowIfNullOrEmpty(value);
            if (value != name)
            {
                Graph.Rename(this, value);
                name = value;
            }
        }
    }

    /// <summary>Element type and shape as the model states them; null when it does not, or when the value is not a dense tensor.</summary>
    public TensorType? Type
    {
        get => type ??= Info?.Type?.TensorType is { } stated ? TypeEncoding.Decode(stated) : null;
        set
        {
            ValueInfoProto info = Info?.Clone() ?? new ValueInfoProto();
            info.Type = value is null ? null : TypeEncoding.Encode(value, info.Type);
            Info = info;
        }
    }

    /// <summary>The <c>ValueInfoProto</c> carried for this value, with whatever it says beyond dense tensors.</summary>
    internal ValueInfoProto? Info
    {
        get;
        set
        {
            field = value;
            type = null;
        }
    }

    /// <summary>
    /// Whether <see cref="ReplaceWith"/> would succeed: a graph output can only be replaced by a value that can take its name,
    /// and a replacement must be visible wherever this value is.
    /// </summary>
    public bool CanReplaceWith(Value replacement)
    {
        ArgumentNullException.ThrowIfNull(replacement);
        return exits.Contains(Graph)
            ? replacement.Graph == Graph && replacement.Producer is not null && !replacement.IsOutput && !IsInput
            : replacement.IsVisibleIn(Graph);
    }

    /// <summary>
    /// Makes every reader of this value read <paramref name="replacement"/> instead. When this is a graph output, the
    /// replacement takes its place and its name, so that callers see the same output as before.
    /// </summary>
    /// <exception cref="InvalidOperationException"><see cref="CanReplaceWith"/> is false.</exception>
    public void ReplaceWith(Value replacement)
    {
        if (!CanReplaceWith(replacement))
        {
            throw new InvalidOperationException($"'{Name}' cannot be replaced by '{replacement.Name}': the name of a graph output must stay, and a value of a nested graph is not seen outside it.");
        }

        foreach (Use use in uses.ToArray())
        {
            use.Node.SetInput(use.Index, replacement);
        }

        foreach (Graph graph in exits.Distinct().ToArray())
        {
            graph.ReplaceOutput(this, replacement);
        }
    }

    /// <summary>Puts an operator behind this value: every reader so far reads its output instead, and a graph output keeps its name.</summary>
    /// <param name="opType">The standard operator whose first input this value becomes.</param>
    /// <param name="others">Its other inputs.</param>
    /// <exception cref="InvalidOperationException">The value is both an input and an output of its graph, whose name would have to be in two places.</exception>
    public Node InsertAfter(string opType, params ReadOnlySpan<Value?> others)
    {
        if (IsInput && exits.Contains(Graph))
        {
            throw new InvalidOperationException($"'{Name}' is an input and an output of graph '{Graph.Name}'; add an output of the operator instead.");
        }

        Use[] readers = [.. uses];
        Node node = Graph.AddNode(opType, [this, .. others]);
        foreach (Use use in readers)
        {
            use.Node.SetInput(use.Index, node.Output);
        }

        foreach (Graph graph in exits.Distinct().ToArray())
        {
            graph.ReplaceOutput(this, node.Output);
        }

        return node;
    }

    public override string ToString() => Type is { } known ? $"{Name}: {known}" : Name;

    internal void AddUse(Use use) => uses.Add(use);

    internal void RemoveUse(Use use) => uses.Remove(use);

    internal void AddExit(Graph graph) => exits.Add(graph);

    internal void RemoveExit(Graph graph) => exits.Remove(graph);

    /// <summary>Whether this is an optional output that the model leaves out; reading it gives it its name.</summary>
    internal bool IsOmitted => omitted && uses.Count == 0 && exits.Count == 0;

    internal void Omit() => omitted = true;

    internal void MoveTo(Graph graph, string newName)
    {
        Graph = graph;
        name = newName;
    }

    internal void SwapNames(Value other)
    {
        (name, other.name) = (other.name, name);
        KeepVisible();
        other.KeepVisible();
    }

    /// <summary>
    /// A nested graph reads an outer value by its name, and a value of its own with that name would be read instead. Such a one is
    /// renamed: inside a nested graph, inputs and outputs included, names are nobody else's business.
    /// </summary>
    internal void KeepVisibleIn(Graph reader)
    {
        for (Graph? scope = reader; scope is not null && scope != Graph; scope = scope.Parent)
        {
            if (scope.Find(name) is { } hiding)
            {
                hiding.Name = scope.UniqueName(name);
            }
        }
    }

    private void KeepVisible()
    {
        foreach (Graph reader in uses.Select(use => use.Node.Graph).Concat(exits).Distinct().ToArray())
        {
            KeepVisibleIn(reader);
        }
    }

    private bool IsVisibleIn(Graph? graph)
    {
        while (graph is not null && graph != Graph)
        {
            graph = graph.Parent;
        }

        return graph is not null;
    }
}
