using ModelBuildTasks.Onnx.Schema;

namespace ModelBuildTasks.Onnx;

/// <summary>Connects a <c>GraphProto</c> into a <see cref="Graph"/>: names become values that know their producer and uses.</summary>
internal static class GraphReader
{
    /// <returns>
    /// The types that describe no value of this graph, or one that has its type from elsewhere: some exporters state there the
    /// types inside functions.
    /// </returns>
    internal static ValueInfoProto[] Fill(Graph graph, GraphProto proto)
    {
        foreach (ValueInfoProto input in proto.Input)
        {
            Value value = graph.Define(input.Name);
            value.Info = input;
            graph.AddLoadedInput(value);
        }

        foreach (TensorProto initializer in proto.Initializer)
        {
            Value value = graph.Find(initializer.Name) ?? graph.Define(initializer.Name);
            value.Initializer = value.Initializer is null
                ? TensorEncoding.Decode(initializer)
                : throw ModelFormatException.Invalid($"Graph '{proto.Name}' has two initializers named '{initializer.Name}'.");
        }

        foreach (SparseTensorProto sparse in proto.SparseInitializer)
        {
            // Carried as it is: the name must resolve, the content is not looked into.
            if (graph.Find(sparse.Values.Name) is null)
            {
                graph.Define(sparse.Values.Name);
            }
        }

        // Outputs first, so that a graph whose nodes are out of order still connects.
        List<Node> nodes = DefineNodes(graph, proto);

        for (int i = 0; i < nodes.Count; i++)
        {
            Connect(nodes[i], proto.Node[i]);
            nodes[i].OpenAttributes();
        }

        foreach (ValueInfoProto output in proto.Output)
        {
            // A branch may hand an outer value on as its output.
            Value value = Resolve(graph, output.Name) ?? throw ModelFormatException.Invalid($"Graph '{proto.Name}' has the output '{output.Name}', which nothing produces.");
            graph.AddLoadedOutput(value, output);
        }

        List<ValueInfoProto> unclaimed = [];
        foreach (ValueInfoProto info in proto.ValueInfo)
        {
            if (graph.Find(info.Name) is { Info: null } value)
            {
                value.Info = info;
            }
            else
            {
                unclaimed.Add(info);
            }
        }

        return [.. unclaimed];
    }

    private static List<Node> DefineNodes(Graph graph, GraphProto proto)
    {
        foreach (string name in proto.Node.SelectMany(node => node.Output).Where(name => name.Length > 0))
        {
            graph.Define(name);
        }

        // Omitted outputs get a name only now that none of the graph's own names can be taken.
        List<Node> nodes = new(proto.Node.Count);
        foreach (NodeProto nodeProto in proto.Node)
        {
            Node node = new(graph, nodeProto);
            foreach (string name in nodeProto.Output)
            {
                node.AddOutput(name.Length == 0 ? graph.DefineOmitted() : graph.Find(name)!);
            }

            graph.AddLoaded(node);
            nodes.Add(node);
        }

        return nodes;
    }

    private static void Connect(Node node, NodeProto proto)
    {
        foreach (string name in proto.Input)
        {
            node.AddInput(name.Length == 0
                ? null
                : Resolve(node.Graph, name) ?? throw ModelFormatException.Invalid($"Node '{proto.Name}' ({proto.OpType}) reads '{name}', which nothing produces."));
        }
    }

    private static Value? Resolve(Graph graph, string name)
    {
        for (Graph? scope = graph; scope is not null; scope = scope.Parent)
        {
            if (scope.Find(name) is { } value)
            {
                return value;
            }
        }

        return null;
    }
}
