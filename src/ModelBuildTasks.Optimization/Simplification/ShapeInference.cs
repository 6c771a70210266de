using System.Globalization;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Asks ONNX Runtime for the type of every value: the model is rebuilt as one flat graph with all its values as outputs and
/// opened in one unoptimized session, whose output signatures are the answer; sizes that follow from arithmetic on shapes, and the
/// names of free dimensions, come with them. Types that the model itself states for inner values are not trusted, since exporters
/// leave stale ones behind. Weights become inputs of the same type, so that none is copied.
/// </summary>
/// <remarks>
/// Nothing is run, so the nodes of a branch may stand beside the others, where their values can be seen. The <c>If</c> stays with
/// branches that only pick the outcome: its type is what both agree on. A body of <c>Loop</c> or <c>Scan</c> starts from the types
/// that it states for its inputs, and the outcome has the element type that the model states.
/// </remarks>
internal sealed class ShapeInference
{
    /// <summary>Constants up to this size keep their value: shapes are computed from them.</summary>
    private const int LargestShapeData = 4096;

    private readonly Model model;
    private readonly Dictionary<Value, Value> copies = [];
    private readonly Dictionary<string, Value> origins = new(StringComparer.Ordinal);

    private ShapeInference(Model source)
    {
        model = Model.Create("inference", source.Opset, Math.Max(source.IrVersion, IrVersions.PlainInitializers));
        foreach ((string domain, long version) in source.OpsetImports)
        {
            model.OpsetImports[domain] = version;
        }
    }

    /// <summary>The types of what <paramref name="graph"/> and the graphs nested in it compute, as far as they are known.</summary>
    internal static Dictionary<Value, TensorType> Infer(Graph graph)
    {
        ShapeInference inference = new(graph.Model);
        inference.Flatten(graph);
        return inference.AskRuntime();
    }

    private Dictionary<Value, TensorType> AskRuntime()
    {
        Dictionary<Value, TensorType> types = [];
        if (origins.Count == 0)
        {
            return types;
        }

        try
        {
            using ModelSession session = ModelSession.Open(model, new SessionSettings(Optimize: false));
            foreach (TensorSignature signature in session.Outputs.Where(signature => signature.ElementType != ElementType.Undefined))
            {
                // A signature does not tell a scalar from a value of unknown rank.
                types[origins[signature.Name]] = new TensorType(signature.ElementType, signature.Shape.Count == 0 ? null : signature.Shape);
            }
        }
        catch (InferenceException)
        {
            // An operator that this runtime lacks: without types, the rules that need them do not apply.
        }

        return types;
    }

    private void Flatten(Graph graph)
    {
        foreach (Node node in graph.TopologicalOrder())
        {
            foreach (Graph nested in node.Subgraphs)
            {
                Flatten(nested);
            }

            if (node is { OpType: "If", Domain: "" })
            {
                CopyChoice(node);
            }
            else if (!node.Subgraphs.Any())
            {
                Copy(node);
            }
        }
    }

    /// <summary>Nodes whose inputs have no known type, and nodes that hold graphs, are left out, and with them what follows.</summary>
    private void Copy(Node node)
    {
        Value?[] inputs = new Value?[node.Inputs.Count];
        for (int i = 0; i < inputs.Length; i++)
        {
            if (node.Inputs[i] is { } input && (inputs[i] = CopyOf(input)) is null)
            {
                return;
            }
        }

        if (node.Outputs.All(output => output.Constant is not null))
        {
            // Its readers take it for a weight.
            return;
        }

        Node copy = model.Graph.AddNode(node.OpType, inputs, node.Outputs.Count, UniqueNodeName(), node.Domain);
        copy.CopyAttributesFrom(node);
        Watch(node.Outputs, copy.Outputs);
    }

    private void CopyChoice(Node node)
    {
        Graph? taken = node.GetGraph("then_branch");
        Graph? other = node.GetGraph("else_branch");
        if (node.Input(0) is not { } condition || CopyOf(condition) is not { } copiedCondition || taken?.Outputs.Count != node.Outputs.Count || other?.Outputs.Count != node.Outputs.Count)
        {
            return;
        }

        // One If a value: what is not known of one outcome is no reason to know nothing of the others.
        for (int i = 0; i < node.Outputs.Count; i++)
        {
            if (CopyOf(taken.Outputs[i]) is { } first && CopyOf(other.Outputs[i]) is { } second)
            {
                Node choice = model.Graph.AddNode("If", [copiedCondition], name: UniqueNodeName());
                foreach ((string name, Value outcome) in new[] { ("then_branch", first), ("else_branch", second) })
                {
                    Graph branch = choice.AddGraph(name);
                    branch.AddOutput(branch.Add("Identity", outcome));
                }

                Watch([node.Outputs[i]], choice.Outputs);
            }
        }
    }

    private void Watch(IReadOnlyList<Value> values, IReadOnlyList<Value> copied)
    {
        for (int i = 0; i < values.Count; i++)
        {
            copies[values[i]] = copied[i];
            if (values[i].Uses.Count > 0 || values[i].IsOutput)
            {
                origins[copied[i].Name] = values[i];
                model.Graph.AddOutput(copied[i]);
            }
        }
    }

    private Value? CopyOf(Value value)
    {
        if (copies.TryGetValue(value, out Value? copy))
        {
            return copy;
        }

        if (value.Constant is { } constant && constant.Data.Length <= LargestShapeData)
        {
            copy = model.Graph.AddInitializer(value.Name, constant);
        }
        else if (TypeOutside(value) is { } type && type.ElementType != ElementType.Undefined)
        {
            copy = model.Graph.AddInput(model.Graph.UniqueName(value.Name), type);
        }

        if (copy is not null)
        {
            copies.Add(value, copy);
        }

        return copy;
    }

    private string UniqueNodeName() => model.Graph.Nodes.Count.ToString(CultureInfo.InvariantCulture);

    private static TensorType? TypeOutside(Value value) =>
        value.Constant is { } tensor ? new TensorType(tensor.ElementType, [.. tensor.Dimensions.Select(size => (Dimension)size)])
        : value.IsInput ? value.Type
        : value.Producer?.Subgraphs.Any() == true && value.Type is { } stated ? stated with { Shape = null }
        : null;
}
