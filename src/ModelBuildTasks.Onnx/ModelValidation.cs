namespace ModelBuildTasks.Onnx;

/// <summary>Checks a model against the structure that ONNX's IR.md prescribes: names, order, nested graphs, imports, types of weights.</summary>
internal sealed class ModelValidation
{
    private readonly Model model;
    private readonly List<ModelFinding> findings = [];

    private ModelValidation(Model model) => this.model = model;

    internal static IReadOnlyList<ModelFinding> Check(Model model)
    {
        ModelValidation validation = new(model);
        validation.CheckImports();
        foreach (Graph graph in model.Graph.WithSubgraphs())
        {
            validation.CheckValues(graph);
            validation.CheckOrder(graph);
            foreach (Node node in graph.Nodes)
            {
                validation.CheckNode(node);
            }
        }

        return validation.findings;
    }

    private void CheckImports()
    {
        foreach ((string domain, long version) in model.OpsetImports.Where(import => import.Value < 1))
        {
            Report("model", $"the operator set {version} of domain '{domain}' is imported; versions start at 1.");
        }

        foreach (IGrouping<string, Node> used in model.Graph.WithSubgraphs().SelectMany(graph => graph.Nodes).GroupBy(node => node.Domain))
        {
            if (!model.OpsetImports.ContainsKey(used.Key))
            {
                string domain = used.Key.Length == 0 ? "the standard operators" : $"the domain '{used.Key}'";
                Report(Place(used.First()), $"it is an operator of {domain}, of which the model imports no version; add one to OpsetImports.");
            }
        }
    }

    private void CheckValues(Graph graph)
    {
        foreach (Value input in graph.Inputs.Where(input => graph.Owner is null && input.Info?.Type is null))
        {
            Report(Place(input), "it is an input without a type; state its element type and shape.");
        }

        foreach (Value weight in graph.Initializers)
        {
            if (graph.Owner is null && model.IrVersion < IrVersions.PlainInitializers && !weight.IsInput)
            {
                Report(Place(weight), $"it is an initializer but no input, which IR version {model.IrVersion} does not have; raise IrVersion to {IrVersions.PlainInitializers}.");
            }

            if (weight.Type is { } stated && !Fits(weight.Initializer!, stated))
            {
                Report(Place(weight), $"its initializer is {weight.Initializer}, but its stated type is {stated}.");
            }
        }

        foreach (IGrouping<Value, Value> output in graph.Outputs.GroupBy(output => output))
        {
            if (!IsDefined(output.Key, graph))
            {
                Report(Place(graph), $"its output '{output.Key.Name}' is nothing that the graph, or one around it, defines.");
            }

            if (graph.Owner is null && output.Count() > 1)
            {
                Report(Place(graph), $"its output '{output.Key.Name}' is listed {output.Count()} times; names of outputs are unique.");
            }
        }

        foreach (Value value in graph.Values)
        {
            for (Graph? outer = graph.Parent; outer is not null; outer = outer.Parent)
            {
                if (outer.Find(value.Name) is not null)
                {
                    Report(Place(value), $"graph '{outer.Name}' around it has a value of that name too; rename one.");
                }
            }
        }
    }

    private void CheckOrder(Graph graph)
    {
        try
        {
            graph.TopologicalOrder();
        }
        catch (ModelFormatException cycle)
        {
            Report(Place(graph), cycle.Message);
        }
    }

    private void CheckNode(Node node)
    {
        if (node.OpType.Length == 0)
        {
            Report(Place(node), "it has no operator.");
        }

        for (int i = 0; i < node.Inputs.Count; i++)
        {
            if (node.Inputs[i] is { } input && !IsDefined(input, node.Graph))
            {
                Report(Place(node), $"its input {i}, '{input.Name}', is nothing that its graph, or one around it, defines.");
            }
        }

        if (node.Domain.Length == 0)
        {
            CheckNested(node);
        }

        if (GroupProblem(node) is { } problem)
        {
            Report(Place(node), problem);
        }
    }

    /// <summary>Refuses what ONNX Runtime does not survive: 1.31 divides by the group of a ConvTranspose without a look at it, which ends the process.</summary>
    /// <exception cref="ModelFormatException">A node has less than one group.</exception>
    internal static void RequireGroups(Graph graph)
    {
        if (graph.Nodes.FirstOrDefault(node => GroupProblem(node) is not null) is { } node)
        {
            throw ModelFormatException.Invalid($"In {Place(node)}, {GroupProblem(node)}");
        }
    }

    private static string? GroupProblem(Node node) =>
        node is { OpType: "Conv" or "ConvTranspose", Domain: "" } && node.GetInt("group", 1) is < 1 and var groups ? $"its group is {groups}; a layer has at least one." : null;

    /// <summary>Numbers of inputs and outputs, as the operators' documentation gives them.</summary>
    private void CheckNested(Node node)
    {
        switch (node.OpType)
        {
            case "If":
                Expect(node, "then_branch", 0, node.Outputs.Count);
                Expect(node, "else_branch", 0, node.Outputs.Count);
                break;
            case "Loop":
                // The iteration and the condition go in, the condition comes out.
                Expect(node, "body", Math.Max(2, node.Inputs.Count), 1 + node.Outputs.Count);
                break;
            case "Scan":
                // Before version 9, lengths of sequences came first.
                Expect(node, "body", node.Inputs.Count - (model.Opset < 9 ? 1 : 0), node.Outputs.Count);
                break;
        }
    }

    private void Expect(Node node, string attribute, int inputs, int outputs)
    {
        if (node.GetGraph(attribute) is not { } graph)
        {
            Report(Place(node), $"it has no {attribute}.");
        }
        else if (graph.Inputs.Count != inputs || graph.Outputs.Count != outputs)
        {
            Report(Place(node), $"its {attribute} has {graph.Inputs.Count} inputs and {graph.Outputs.Count} outputs; this {node.OpType} needs {inputs} and {outputs}.");
        }
    }

    private static bool IsDefined(Value value, Graph reader)
    {
        for (Graph? scope = reader; scope is not null; scope = scope.Parent)
        {
            if (scope == value.Graph)
            {
                return scope.Find(value.Name) == value
                    && (value.Producer is not null || value.Initializer is not null || value.IsInput || scope.IsSparse(value));
            }
        }

        return false;
    }

    private static bool Fits(Tensor tensor, TensorType type) =>
        tensor.ElementType == type.ElementType
        && (type.Shape is not { } shape || (shape.Count == tensor.Dimensions.Count && shape.Zip(tensor.Dimensions).All(pair => pair.First.Size is not { } size || size == pair.Second)));

    private static string Place(Graph graph) => graph.Owner is { } owner ? $"graph '{graph.Name}' in {Place(owner)}" : $"graph '{graph.Name}'";

    private static string Place(Node node) => $"node '{node.Name}' ({node.OpType}) in {Place(node.Graph)}";

    private static string Place(Value value) => $"value '{value.Name}' in {Place(value.Graph)}";

    private void Report(string place, string problem) => findings.Add(new ModelFinding(place, problem));
}
