using ModelBuildTasks.Onnx;
using ModelBuildTasks.Optimization.Simplification;

namespace ModelBuildTasks.Optimization.Conversion;

/// <summary>
/// Lifts a float16 or bfloat16 model to float32, for processors that have no kernels for the narrow types: there ONNX Runtime computes it in
/// inserted casts to float32, or not at all. Inputs and outputs of the model keep their types; one Cast stands behind each input and in front of each output.
/// By itself it gains next to no time and doubles the file; integers are made from what it leaves.
/// </summary>
/// <remarks>Exact: every float16 and bfloat16 number is a float32 number. What was rounded in between is not any more, so results differ by that rounding.</remarks>
public sealed class Float32Conversion : IModelPass
{
    /// <summary>Attributes that state an element type by its number.</summary>
    private static readonly string[] TypeAttributes = ["to", "dtype", "output_dtype", "stash_type", "softmax_precision"];

    public string Name => "float32 conversion";

    /// <summary>Whether a model holds weights or takes inputs of 16-bit floating point.</summary>
    public static bool IsHalf(Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model.Graph.WithSubgraphs().Any(graph =>
            graph.Inputs.Any(input => IsHalf(input.Type?.ElementType))
            || graph.Initializers.Any(value => IsHalf(value.Initializer!.ElementType))
            || graph.Nodes.Any(node => node.AttributeNames.Any(name => IsHalf(node.GetTensor(name)?.ElementType))));
    }

    /// <summary>Whether anything in a model is of bfloat16, results that no weight or input is behind among it.</summary>
    public static bool HoldsBFloat16(Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model.Graph.WithSubgraphs().Any(graph =>
            graph.Values.Any(value => (value.Initializer?.ElementType ?? value.Type?.ElementType) == ElementType.BFloat16)
            || graph.Nodes.Any(node => node.AttributeNames.Any(name =>
                node.GetTensor(name)?.ElementType == ElementType.BFloat16 || (TypeAttributes.Contains(name) && node.GetInt(name, 0) == (long)ElementType.BFloat16))));
    }

    public PassOutcome Apply(Model model, PassContext context)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        if (!IsHalf(model) && !HoldsBFloat16(model))
        {
            return PassOutcome.Refused("The model holds no 16-bit floating point.");
        }

        if (model.Graph.WithSubgraphs().SelectMany(graph => graph.Initializers).FirstOrDefault(IsTooLarge) is { } large)
        {
            return PassOutcome.Refused(FormattableString.Invariant($"'{large.Name}' would have {large.Initializer!.Length * sizeof(float):N0} bytes in float32; a single tensor may have {int.MaxValue:N0}."));
        }

        // A default that callers may override keeps its type, and gets a Cast behind it.
        List<string> refusals = [];
        FixedInitializers.Apply(model, refusals);
        Graph[] graphs = [.. model.Graph.WithSubgraphs()];
        Value[] inputs = [.. model.Graph.Inputs.Where(input => IsHalf(input.Type?.ElementType))];
        (Value Value, TensorType Type)[] outputs = [.. model.Graph.Outputs.Distinct().Where(output => IsHalf(output.Type?.ElementType)).Select(output => (output, output.Type!))];
        int lifted = 0;
        foreach (Graph graph in graphs)
        {
            context.CancellationToken.ThrowIfCancellationRequested();
            lifted += LiftWeights(graph, inputs);
            foreach (Node node in graph.Nodes)
            {
                LiftAttributes(node);
            }
        }

        foreach (Value input in inputs)
        {
            CastBehind(input);
        }

        foreach ((Value output, TensorType type) in outputs.Where(output => !output.Value.IsInput))
        {
            CastBefore(output, type);
        }

        return PassOutcome.Applied(
            $"{lifted} tensors of 16-bit floating point became float32; {inputs.Length} inputs and {outputs.Length} outputs keep their type.", refusals);
    }

    private static bool IsTooLarge(Value value) => IsHalf(value.Initializer!.ElementType) && value.Initializer.Length > int.MaxValue / sizeof(float);

    private static int LiftWeights(Graph graph, Value[] fed)
    {
        int lifted = 0;
        foreach (Value value in graph.Values.Except(fed).ToArray())
        {
            if (value.Initializer is { } tensor && IsHalf(tensor.ElementType))
            {
                value.Initializer = Lift(tensor);
                lifted++;
            }

            if (value.Type is { } type && IsHalf(type.ElementType))
            {
                value.Type = type with { ElementType = ElementType.Float };
            }
        }

        return lifted;
    }

    private static void LiftAttributes(Node node)
    {
        foreach (string name in node.AttributeNames.ToArray())
        {
            if (node.GetTensor(name) is { } tensor && IsHalf(tensor.ElementType))
            {
                node.Set(name, Lift(tensor));
            }
            else if (TypeAttributes.Contains(name) && IsHalf((ElementType)node.GetInt(name, 0)))
            {
                node.Set(name, (long)ElementType.Float);
            }
        }
    }

    private static void CastBehind(Value input)
    {
        Use[] readers = [.. input.Uses];
        Value single = Cast(input, ElementType.Float);
        foreach (Use reader in readers)
        {
            reader.Node.SetInput(reader.Index, single);
        }
    }

    /// <summary>The output keeps name and type; readers inside go on using the float32 value.</summary>
    private static void CastBefore(Value output, TensorType type)
    {
        Use[] readers = [.. output.Uses];
        Value narrow = Cast(output, type.ElementType);
        output.ReplaceWith(narrow);
        // The cast itself was among those that were turned to its result.
        narrow.Producer!.SetInput(0, output);
        foreach (Use reader in readers)
        {
            reader.Node.SetInput(reader.Index, output);
        }

        narrow.Type = type;
    }

    private static Value Cast(Value value, ElementType to) => value.Graph.AddNode("Cast", [value], name: $"{value.Name}_to_{to}").Set("to", (long)to).Output;

    private static Tensor Lift(Tensor tensor) => Tensor.Create([.. tensor.Dimensions], tensor.ToSingles());

    private static bool IsHalf(ElementType? type) => type is ElementType.Float16 or ElementType.BFloat16;
}
