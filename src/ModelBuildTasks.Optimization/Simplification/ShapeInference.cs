using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// Asks ONNX Runtime for the type of every value: each graph is rebuilt with all its values as outputs and opened in an
/// unoptimized session, whose output signatures are the answer. Types that the model itself states for inner values are not
/// trusted, since exporters leave stale ones behind. Weights become inputs of the same type, so that none is copied. A branch
/// is rebuilt with what it captures as inputs, typed from the enclosing graph.
/// </summary>
internal static class ShapeInference
{
    /// <summary>Constants up to this size keep their value: shapes are computed from them.</summary>
    private const int LargestShapeData = 4096;

    internal static Dictionary<Value, TensorType> Infer(Graph graph)
    {
        Dictionary<Value, TensorType> types = [];
        InferInto(types, graph);
        return types;
    }

    private static void InferInto(Dictionary<Value, TensorType> types, Graph graph)
    {
        // What follows an If is known only once its branches are, and these may capture what precedes it.
        do
        {
            new Rebuilt(graph, types).AskRuntime();
            foreach (Graph nested in graph.Nodes.SelectMany(node => node.Subgraphs))
            {
                InferInto(types, nested);
            }
        }
        while (LearnFromBranches(types, graph));
    }

    /// <summary>The element types that both branches of an If agree on. Shapes may differ between them.</summary>
    private static bool LearnFromBranches(Dictionary<Value, TensorType> types, Graph graph)
    {
        bool learned = false;
        foreach (Node node in graph.Nodes.Where(node => node is { OpType: "If", Domain: "" }))
        {
            for (int i = 0; i < node.Outputs.Count; i++)
            {
                ElementType?[] made = [.. node.Subgraphs.Select(branch => i < branch.Outputs.Count && types.TryGetValue(branch.Outputs[i], out TensorType? type) ? type.ElementType : (ElementType?)null).Distinct()];
                learned |= made is [{ } agreed] && types.TryAdd(node.Outputs[i], new TensorType(agreed, (IReadOnlyList<Dimension>?)null));
            }
        }

        return learned;
    }

    private sealed class Rebuilt
    {
        private readonly Model model;
        private readonly Dictionary<Value, TensorType> types;
        private readonly Dictionary<Value, Value> copies = [];
        private readonly Dictionary<string, Value> origins = new(StringComparer.Ordinal);

        internal Rebuilt(Graph graph, Dictionary<Value, TensorType> types)
        {
            this.types = types;
            Model source = graph.Model;
            model = Model.Create("inference", source.Opset, Math.Max(source.IrVersion, FixedInitializers.FirstIrVersion));
            foreach ((string domain, long version) in source.OpsetImports)
            {
                model.OpsetImports[domain] = version;
            }

            foreach (Node node in graph.TopologicalOrder())
            {
                Copy(node);
            }
        }

        internal void AskRuntime()
        {
            if (origins.Count == 0)
            {
                return;
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
        }

        /// <summary>Nodes whose inputs have no known type, and nodes that hold graphs, are left out, and with them what follows.</summary>
        private void Copy(Node node)
        {
            if (node.Subgraphs.Any())
            {
                return;
            }

            Value?[] inputs = new Value?[node.Inputs.Count];
            for (int i = 0; i < inputs.Length; i++)
            {
                if (node.Inputs[i] is { } input && (inputs[i] = CopyOf(input)) is null)
                {
                    return;
                }
            }

            Node copy = model.Graph.AddNode(node.OpType, inputs, node.Outputs.Count, node.Name, node.Domain);
            copy.CopyAttributesFrom(node);
            for (int i = 0; i < node.Outputs.Count; i++)
            {
                Value output = copy.Outputs[i];
                copies[node.Outputs[i]] = output;
                if (node.Outputs[i].Uses.Count > 0 || node.Outputs[i].IsOutput)
                {
                    origins[output.Name] = node.Outputs[i];
                    model.Graph.AddOutput(output);
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

        private TensorType? TypeOutside(Value value) =>
            value.Constant is { } tensor ? new TensorType(tensor.ElementType, [.. tensor.Dimensions.Select(size => (Dimension)size)])
            : types.TryGetValue(value, out TensorType? known) ? known
            : value.IsInput ? value.Type
            : value.Producer?.Subgraphs.Any() == true && value.Type is { } stated ? stated with { Shape = null }
            : null;
    }
}
