using System.Globalization;
using ModelBuildTasks.Inference;
using ModelBuildTasks.Onnx;

namespace ModelBuildTasks.Optimization.Simplification;

/// <summary>
/// A model rebuilt as one flat graph with all its values as outputs, opened in one unoptimized session, whose output signatures
/// are the types of the values; sizes that follow from arithmetic on shapes, and the names of free dimensions, come with them.
/// Weights become inputs of the same type, so that none is copied.
/// </summary>
/// <remarks>
/// Nothing is run, so the nodes of a branch or a body may stand beside the others, where their values can be seen. Of the node
/// that holds them, what hands the outcome on is left. <c>If</c>: both branches, and the type is what they agree on; before operator
/// set 11, only the element type. What <c>Loop</c> and <c>Scan</c> carry: likewise, of the initial value and the body's. What they
/// collect: the body's, with a leading axis of unknown size.
/// </remarks>
internal sealed class TypeProbe
{
    /// <summary>Constants up to this size keep their value: shapes are computed from them.</summary>
    private const int LargestShapeData = 4096;

    /// <summary>Up to operator set 8 a Scan has a batch axis besides.</summary>
    private const long ScanWithoutBatch = 9;

    /// <summary>The first operator set whose If has what its branches agree on; before, each fills in what the other leaves open.</summary>
    private const long UnionSince = 11;

    private readonly Model model;
    private readonly Dictionary<Value, TensorType> known;
    private readonly Dictionary<Value, Value> copies = [];
    private readonly Dictionary<string, Value> origins = new(StringComparer.Ordinal);
    private Value? condition;

    private TypeProbe(Model source, Dictionary<Value, TensorType> known)
    {
        this.known = known;
        model = Model.Create("inference", source.Opset, Math.Max(source.IrVersion, IrVersions.PlainInitializers));
        foreach ((string domain, long version) in source.OpsetImports)
        {
            model.OpsetImports[domain] = version;
        }

        model.AddFunctionsOf(source);
    }

    /// <summary>Adds the types of what <paramref name="nodes"/> compute to <paramref name="types"/>, which holds what is known of other values.</summary>
    /// <param name="nodes">Each after what it reads, and after the nodes of graphs that it holds.</param>
    /// <returns>False, with nothing added, when the runtime refuses one of the nodes.</returns>
    internal static bool TryAsk(IReadOnlyList<Node> nodes, Dictionary<Value, TensorType> types)
    {
        if (nodes.Count == 0)
        {
            return true;
        }

        TypeProbe probe = new(nodes[0].Graph.Model, types);
        foreach (Node node in nodes)
        {
            probe.Add(node);
        }

        return probe.TryAsk();
    }

    private Value Condition => condition ??= model.Graph.AddInput(model.Graph.UniqueName("condition"), new TensorType(ElementType.Bool));

    private bool TryAsk()
    {
        if (origins.Count == 0)
        {
            return true;
        }

        try
        {
            using ModelSession session = ModelSession.Open(model, new SessionSettings(Optimize: false));
            foreach (TensorSignature signature in session.Outputs.Where(signature => signature.ElementType != ElementType.Undefined))
            {
                // A signature does not tell a scalar from a value of unknown rank.
                known[origins[signature.Name]] = new TensorType(signature.ElementType, signature.Shape.Count == 0 ? null : signature.Shape);
            }

            return true;
        }
        catch (InferenceException)
        {
            return false;
        }
    }

    private void Add(Node node)
    {
        switch (node)
        {
            case { OpType: "If", Domain: "" }:
                AddIf(node);
                break;
            case { OpType: "Loop", Domain: "" }:
                AddLoop(node);
                break;
            case { OpType: "Scan", Domain: "" }:
                AddScan(node);
                break;
            default:
                if (!node.Subgraphs.Any())
                {
                    Copy(node);
                }

                break;
        }
    }

    /// <summary>Nodes of whose inputs not even the element type is known are left out.</summary>
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

        if (RunsBackOpenEnded(node))
        {
            inputs[2] = model.Graph.AddInput(model.Graph.UniqueName("ends"), TypeOutside(node.Input(2)!)!);
        }

        Node copy = model.Graph.AddNode(node.OpType, inputs, node.Outputs.Count, UniqueNodeName(), node.Domain);
        copy.CopyAttributesFrom(node);
        for (int i = 0; i < node.Outputs.Count; i++)
        {
            Watch(node.Outputs[i], copy.Outputs[i]);
        }
    }

    /// <summary>
    /// Whether a Slice steps back and ends where open ones do. ONNX Runtime 1.31 infers that it is empty, and runs to the front (slice_helper.h), so the sizes
    /// that it infers from the stated ends are not asked for.
    /// </summary>
    private static bool RunsBackOpenEnded(Node node) =>
        SliceRange.IsSlice(node) && StatedIntegers.Of(node.Input(4))?.Any(step => step < 0) == true && StatedIntegers.Of(node.Input(2))?.Any(end => end >= int.MaxValue) == true;

    private void AddIf(Node node)
    {
        if (node.GetGraph("then_branch") is { } taken && node.GetGraph("else_branch") is { } other && taken.Outputs.Count == node.Outputs.Count && other.Outputs.Count == node.Outputs.Count)
        {
            for (int i = 0; i < node.Outputs.Count; i++)
            {
                Watch(node.Outputs[i], EitherOf(taken.Outputs[i], other.Outputs[i]));
            }
        }
    }

    /// <summary>Inputs: count, condition, initial values. The body hands out the condition, what is carried, what is collected.</summary>
    private void AddLoop(Node node)
    {
        int carried = Math.Max(node.Inputs.Count - 2, 0);
        if (node.GetGraph("body") is { } body && body.Outputs.Count > node.Outputs.Count)
        {
            for (int i = 0; i < node.Outputs.Count; i++)
            {
                Value outcome = body.Outputs[i + 1];
                Watch(node.Outputs[i], i < carried ? EitherOf(node.Inputs[i + 2]!, outcome) : Collected(outcome));
            }
        }
    }

    /// <summary>Inputs: initial values, what is scanned. The body hands out what is carried, what is collected.</summary>
    private void AddScan(Node node)
    {
        int carried = node.Inputs.Count - (int)node.GetInt("num_scan_inputs", 0);
        long[] axes = node.GetInts("scan_output_axes") ?? [];
        if (model.Opset >= ScanWithoutBatch && axes.All(axis => axis == 0) && node.GetGraph("body") is { } body && body.Outputs.Count >= node.Outputs.Count)
        {
            for (int i = 0; i < node.Outputs.Count; i++)
            {
                Watch(node.Outputs[i], i < carried ? EitherOf(node.Inputs[i]!, body.Outputs[i]) : Collected(body.Outputs[i]));
            }
        }
    }

    /// <summary>A value that is one or the other. A node for each: what is not known of one outcome is no reason to know nothing of the others.</summary>
    private Value? EitherOf(Value first, Value second)
    {
        if (CopyOf(first) is not { } one || CopyOf(second) is not { } other)
        {
            return null;
        }

        if (model.Opset < UnionSince)
        {
            // A shape that nothing is known of.
            Value shape = model.Graph.AddInput(model.Graph.UniqueName("shape"), new TensorType(ElementType.Int64, Dimension.Unknown));
            return model.Graph.AddNode("Reshape", [one, shape], name: UniqueNodeName()).Output;
        }

        Node choice = model.Graph.AddNode("If", [Condition], name: UniqueNodeName());
        foreach ((string name, Value outcome) in new[] { ("then_branch", one), ("else_branch", other) })
        {
            Graph branch = choice.AddGraph(name);
            branch.AddOutput(branch.Add("Identity", outcome));
        }

        return choice.Output;
    }

    /// <summary>A value of an unknown number of iterations, stacked along a new first axis.</summary>
    private Value? Collected(Value each)
    {
        if (CopyOf(each) is not { } value)
        {
            return null;
        }

        Node loop = model.Graph.AddNode("Loop", [null, Condition], name: UniqueNodeName());
        Graph body = loop.AddGraph("body");
        body.AddInput(model.Graph.UniqueName("iteration"), new TensorType(ElementType.Int64));
        Value goesOn = body.AddInput(model.Graph.UniqueName("goes_on"), new TensorType(ElementType.Bool));
        body.AddOutput(body.Add("Identity", goesOn));
        body.AddOutput(body.Add("Identity", value));
        return loop.Output;
    }

    private void Watch(Value value, Value? copy)
    {
        if (copy is null)
        {
            return;
        }

        copies[value] = copy;
        if (value.Uses.Count > 0 || value.IsOutput)
        {
            origins[copy.Name] = value;
            model.Graph.AddOutput(copy);
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

    /// <summary>The type of a value that no node of this probe computes.</summary>
    private TensorType? TypeOutside(Value value) =>
        value.Constant is { } tensor ? new TensorType(tensor.ElementType, [.. tensor.Dimensions.Select(size => (Dimension)size)])
        : known.TryGetValue(value, out TensorType? type) ? type
        : value.IsInput ? ShapeInference.OfInput(value)
        : ShapeInference.WithoutSizes(value.Type);
}
